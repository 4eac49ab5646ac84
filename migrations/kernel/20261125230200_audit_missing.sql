-- The verification names the entry that is missing, where one is, and not the one behind it; and the text of an entry is
-- the same whatever time zone the session of the caller has.
ALTER FUNCTION kernel_seal_audit(uuid, int) SET timezone = 'UTC';

CREATE OR REPLACE FUNCTION kernel_verify_audit(tenant uuid, first bigint DEFAULT 1, last bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET timezone = 'UTC' AS $$
DECLARE broken bigint; newest bigint; newest_hash bytea; head kernel_audit_head;
BEGIN
  IF app.tenant() IS DISTINCT FROM tenant THEN
    RAISE EXCEPTION 'the audit is verified in a unit of work of its tenant' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- The row before the first one is read for its hash only.
  SELECT min(CASE WHEN chain.sequence <> chain.expected THEN chain.expected ELSE chain.sequence END) INTO broken FROM (
    SELECT k.sequence, k.hash, kernel_audit_text(k) AS covered, lag(k.hash) OVER (ORDER BY k.sequence) AS hash_before,
           coalesce(lag(k.sequence) OVER (ORDER BY k.sequence), greatest(first, 1) - 1) + 1 AS expected
      FROM kernel_audit k
     WHERE k.tenant_id = tenant AND k.sequence >= first - 1 AND (last IS NULL OR k.sequence <= last)) AS chain
   WHERE chain.sequence >= first
     AND (chain.sequence <> chain.expected
          OR chain.hash IS DISTINCT FROM sha256(coalesce(chain.hash_before, '\x') || convert_to(chain.covered, 'UTF8')));
  IF broken IS NOT NULL THEN
    RETURN broken;
  END IF;
  SELECT k.sequence, k.hash INTO newest, newest_hash FROM kernel_audit k
   WHERE k.tenant_id = tenant AND k.sequence IS NOT NULL AND (last IS NULL OR k.sequence <= last) ORDER BY k.sequence DESC LIMIT 1;
  IF last IS NOT NULL THEN
    -- Cut off at the end of the stretch.
    RETURN CASE WHEN coalesce(newest, 0) < last THEN coalesce(newest, 0) + 1 END;
  END IF;
  -- How far the chain went is kept beside it: entries cut off at the end are noticed, and an end that was made up as well.
  SELECT * INTO head FROM kernel_audit_head h WHERE h.tenant_id = tenant;
  IF coalesce(head.sequence, 0) <> coalesce(newest, 0) OR coalesce(head.hash, '\x') <> coalesce(newest_hash, '\x') THEN
    RETURN least(coalesce(head.sequence, 0), coalesce(newest, 0)) + 1;
  END IF;
  RETURN NULL;
END $$;

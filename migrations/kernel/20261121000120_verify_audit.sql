-- Recomputes the chain of the tenant's sealed audit rows from `first` to `last`; returns the first sequence that does not
-- fit, or null. With `last` null the head is compared too, so that rows cut off at the end are noticed.
-- Runs with the caller's rights. A caller outside the tenant sees no rows, which must not read as "all is well".
CREATE FUNCTION kernel_verify_audit(tenant uuid, first bigint DEFAULT 1, last bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE broken bigint; head kernel_audit_head; newest kernel_audit;
BEGIN
  IF app.tenant() IS DISTINCT FROM tenant THEN
    RAISE EXCEPTION 'the audit is verified in a unit of work of its tenant' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- The row before the first one is read for its hash only.
  SELECT min(chain.sequence) INTO broken FROM (
    SELECT k.sequence, k.hash, kernel_audit_text(k) AS covered,
           lag(k.hash) OVER (ORDER BY k.sequence) AS hash_before, lag(k.sequence) OVER (ORDER BY k.sequence) AS sequence_before
      FROM kernel_audit k
     WHERE k.tenant_id = tenant AND k.sequence >= first - 1 AND (last IS NULL OR k.sequence <= last)) AS chain
   WHERE chain.sequence >= first
     AND (chain.sequence IS DISTINCT FROM coalesce(chain.sequence_before, 0) + 1
          OR chain.hash IS DISTINCT FROM sha256(coalesce(chain.hash_before, '\x') || convert_to(chain.covered, 'UTF8')));
  IF broken IS NOT NULL OR last IS NOT NULL THEN
    RETURN broken;
  END IF;
  SELECT * INTO head FROM kernel_audit_head h WHERE h.tenant_id = tenant;
  SELECT * INTO newest FROM kernel_audit k WHERE k.tenant_id = tenant AND k.sequence IS NOT NULL ORDER BY k.sequence DESC LIMIT 1;
  IF coalesce(head.sequence, 0) <> coalesce(newest.sequence, 0) OR coalesce(head.hash, '\x') <> coalesce(newest.hash, '\x') THEN
    RETURN coalesce(newest.sequence, 0) + 1;
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION kernel_verify_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel_verify_audit TO steward_app;

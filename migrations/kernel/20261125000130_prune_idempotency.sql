-- Forgets idempotency keys that were used before a moment, and the imports that began before it; returns how many. Until
-- then a repeated call is answered with what the first one did; afterwards it would be done again, so the moment is days back.
CREATE INDEX ON kernel_idempotency (tenant_id, created_at);
CREATE FUNCTION kernel_prune_idempotency(tenant uuid, used_before timestamptz, max_rows int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE pruned int; imports int;
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  DELETE FROM kernel_idempotency i
   WHERE i.tenant_id = tenant AND i.created_at < used_before
     AND i.ctid = ANY (ARRAY(SELECT k.ctid FROM kernel_idempotency k WHERE k.tenant_id = tenant AND k.created_at < used_before LIMIT max_rows));
  GET DIAGNOSTICS pruned = ROW_COUNT;
  -- Rows of a file without external ids are known by the import and their number in it, so that it can go on.
  WITH old AS (DELETE FROM kernel_import i
                WHERE i.tenant_id = tenant AND i.created_at < used_before AND (i.state <> 'running' OR i.lease_until < now()) RETURNING i.id, i.resource),
       rows AS (DELETE FROM kernel_external_id e USING old WHERE e.tenant_id = tenant AND e.resource = old.resource AND e.source = 'import:' || old.id)
  SELECT count(*) INTO imports FROM old;
  RETURN pruned + imports;
END $$;
REVOKE ALL ON FUNCTION kernel_prune_idempotency FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel_prune_idempotency TO steward_app;

-- Forgetting takes bounded steps, and keeps what a proposal's state hangs on.
--
-- Whether a proposal was executed is known from its key where a crash came before the decision was stored, and a proposal is
-- kept for good. Of an import, the rows are forgotten before it is, so many at a time; from the first of them on its file
-- begins anew, because what is left of it no longer says which rows were brought in.
CREATE INDEX ON kernel_idempotency (tenant_id, created_at) WHERE NOT starts_with(key, 'proposal:');
CREATE OR REPLACE FUNCTION kernel_prune_idempotency(tenant uuid, used_before timestamptz, max_rows int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE pruned int; old record; gone int;
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  DELETE FROM kernel_idempotency i
   WHERE i.tenant_id = tenant AND i.created_at < used_before AND NOT starts_with(i.key, 'proposal:')
     AND i.ctid = ANY (ARRAY(SELECT k.ctid FROM kernel_idempotency k WHERE k.tenant_id = tenant AND k.created_at < used_before AND NOT starts_with(k.key, 'proposal:') LIMIT max_rows));
  GET DIAGNOSTICS pruned = ROW_COUNT;
  WHILE pruned < max_rows LOOP
    SELECT i.id, i.resource INTO old FROM kernel_import i
     WHERE i.tenant_id = tenant AND i.created_at < used_before AND (i.state <> 'running' OR i.lease_until < now()) ORDER BY i.created_at LIMIT 1 FOR UPDATE;
    EXIT WHEN NOT FOUND;
    DELETE FROM kernel_external_id e
     WHERE e.ctid = ANY (ARRAY(SELECT r.ctid FROM kernel_external_id r WHERE r.tenant_id = tenant AND r.resource = old.resource AND r.source = 'import:' || old.id LIMIT max_rows - pruned));
    GET DIAGNOSTICS gone = ROW_COUNT;
    pruned := pruned + gone;
    IF pruned < max_rows THEN
      DELETE FROM kernel_import i WHERE i.tenant_id = tenant AND i.id = old.id;
      pruned := pruned + 1;
    ELSE
      UPDATE kernel_import i SET key = NULL, digest = '' WHERE i.tenant_id = tenant AND i.id = old.id;
    END IF;
  END LOOP;
  RETURN pruned;
END $$;

-- Forgets deliveries that can never come again; returns how many. A delivery can come again while its event stands in the
-- outbox (a cursor may be set back to replay it), while a consumer has not read past it, and while a failed delivery keeps a
-- copy of the event. A consumer that is no longer registered holds its cursor, as it holds the outbox: delete that row.
CREATE FUNCTION kernel_prune_deliveries(tenant uuid, keep_days int, max_rows int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE floor xid8; pruned int;
BEGIN
  IF keep_days < 1 THEN
    RAISE EXCEPTION 'keep at least one day' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM set_config('app.tenant', tenant::text, true);
  SELECT least((SELECT o.xid FROM kernel.outbox o ORDER BY o.xid LIMIT 1), (SELECT c.xid FROM kernel.outbox_cursor c ORDER BY c.xid LIMIT 1)) INTO floor;
  DELETE FROM kernel_delivery d
   WHERE d.ctid = ANY (ARRAY(
     SELECT k.ctid FROM kernel_delivery k
      WHERE k.tenant_id = tenant AND k.at < now() - make_interval(days => keep_days) AND k.xid < floor
        AND NOT EXISTS (SELECT FROM kernel.delivery_failure f WHERE f.consumer = k.consumer AND f.xid = k.xid AND f.ordinal = k.ordinal)
      LIMIT max_rows));
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END $$;
REVOKE ALL ON FUNCTION kernel_prune_deliveries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel_prune_deliveries TO steward_app;

-- What the relay may ask and do beyond reading the outbox. The functions run with the owner's rights.

-- How long the oldest running transaction has held back the outbox: rows above its id are not delivered before it ends.
-- Only transactions that have an id count; a long read holds back vacuum, not the outbox. Prepared ones count too.
CREATE FUNCTION kernel.horizon_age() RETURNS double precision LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
  SELECT coalesce(extract(epoch FROM clock_timestamp() - least(
    (SELECT min(a.xact_start) FROM pg_stat_activity a WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()),
    (SELECT min(p.prepared) FROM pg_prepared_xacts p))), 0)::double precision;
END;
REVOKE ALL ON FUNCTION kernel.horizon_age FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel.horizon_age TO steward_relay;

-- Makes the coming months' partitions of the outbox and of every placement's changes and audit.
-- A new partition locks its parent for a moment, so it does not wait long for the lock: the next call tries again.
CREATE FUNCTION kernel.ensure_partitions() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '1s' AS $$
DECLARE parent regclass;
BEGIN
  FOR parent IN
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'p' AND c.relowner = current_user::regrole
       AND ((n.nspname = 'kernel' AND c.relname = 'outbox') OR c.relname IN ('kernel_change', 'kernel_audit'))
     ORDER BY n.nspname, c.relname
  LOOP
    PERFORM app.ensure_partitions(parent);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION kernel.ensure_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel.ensure_partitions TO steward_relay;

-- Drops the outbox's partitions that ended more than `keep_days` days ago and that every consumer has read to their end;
-- returns how many. A consumer that is no longer registered holds its cursor: delete that row to let go.
-- Failed deliveries keep a copy of their event and are not touched.
CREATE FUNCTION kernel.drop_outbox(keep_days int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '1s' AS $$
DECLARE
  part record; dropped int := 0; unread boolean;
BEGIN
  IF keep_days < 1 THEN
    RAISE EXCEPTION 'keep at least one day' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR part IN
    SELECT c.oid::regclass AS name, to_date(right(c.relname, 6), 'YYYYMM') AS first
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'kernel.outbox'::regclass AND c.relname ~ '^outbox_[0-9]{6}$'
     ORDER BY c.relname
  LOOP
    CONTINUE WHEN (part.first + interval '1 month') AT TIME ZONE 'UTC' > now() - make_interval(days => keep_days);
    SELECT EXISTS (
      SELECT FROM kernel.outbox o, kernel.outbox_cursor c
       WHERE o.created_at >= part.first::timestamp AT TIME ZONE 'UTC' AND o.created_at < (part.first + interval '1 month') AT TIME ZONE 'UTC'
         AND (o.xid, o.ordinal) > (c.xid, c.ordinal)) INTO unread;
    CONTINUE WHEN unread;
    EXECUTE format('DROP TABLE %s', part.name);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION kernel.drop_outbox FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel.drop_outbox TO steward_relay;

-- The outbox of a database: what was committed, in an order that readers can resume.
-- A reader takes rows below the snapshot's horizon after its cursor (xid, ordinal), so that nothing is skipped.
CREATE SCHEMA kernel;
GRANT USAGE ON SCHEMA kernel TO steward_app, steward_relay;

CREATE TABLE kernel.outbox (
  tenant_id      uuid NOT NULL,
  xid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
  ordinal        int NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('change', 'event')),
  name           text NOT NULL,
  entity_id      uuid,
  version        bigint,
  payload        jsonb,
  actor_id       uuid,
  command        text,
  correlation_id text,
  created_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (xid, ordinal, created_at)
) PARTITION BY RANGE (created_at);
ALTER TABLE kernel.outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE kernel.outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON kernel.outbox TO steward_app
  USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()));
CREATE POLICY owner ON kernel.outbox TO CURRENT_ROLE USING (true) WITH CHECK (true);
CREATE POLICY relay ON kernel.outbox FOR SELECT TO steward_relay USING (true);
GRANT SELECT, INSERT ON kernel.outbox TO steward_app;
GRANT SELECT ON kernel.outbox TO steward_relay;

-- Makes the partitions of this month and the next for a table that is partitioned by month. Partitions are never
-- addressed directly: they carry forced row-level security and no policy.
CREATE FUNCTION app.ensure_partitions(parent regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first date; part text; nsp text; rel text;
BEGIN
  SELECT n.nspname, c.relname INTO nsp, rel FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent;
  FOR step IN 0..2 LOOP
    first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => step))::date;
    part := format('%s_%s', rel, to_char(first, 'YYYYMM'));
    IF to_regclass(format('%I.%I', nsp, part)) IS NULL THEN
      EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', nsp, part, parent,
                     first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
      EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', nsp, part);
      EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', nsp, part);
    END IF;
  END LOOP;
  part := rel || '_rest';
  IF to_regclass(format('%I.%I', nsp, part)) IS NULL THEN
    EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', nsp, part, parent);
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', nsp, part);
    EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', nsp, part);
  END IF;
END $$;
REVOKE ALL ON FUNCTION app.ensure_partitions FROM PUBLIC;
SELECT app.ensure_partitions('kernel.outbox');

-- How far each consumer has read. `epoch` tells cursors of a restored or moved database apart.
CREATE TABLE kernel.outbox_cursor (
  consumer text COLLATE "C" PRIMARY KEY, xid xid8 NOT NULL DEFAULT '0', ordinal int NOT NULL DEFAULT 0,
  epoch bigint NOT NULL DEFAULT 1, moved_at timestamptz NOT NULL DEFAULT now());
GRANT SELECT, INSERT, UPDATE ON kernel.outbox_cursor TO steward_relay;

-- Deliveries that failed. `dead_at` is set after the last attempt; a person retries those.
CREATE TABLE kernel.delivery_failure (
  consumer text COLLATE "C" NOT NULL, xid xid8 NOT NULL, ordinal int NOT NULL, tenant_id uuid NOT NULL, name text NOT NULL,
  event jsonb NOT NULL, attempts int NOT NULL DEFAULT 1, code text NOT NULL, next_attempt_at timestamptz NOT NULL, dead_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer, xid, ordinal));
CREATE INDEX ON kernel.delivery_failure (next_attempt_at) WHERE dead_at IS NULL;
ALTER TABLE kernel.delivery_failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE kernel.delivery_failure FORCE ROW LEVEL SECURITY;
CREATE POLICY relay ON kernel.delivery_failure TO steward_relay USING (true) WITH CHECK (true);
CREATE POLICY owner ON kernel.delivery_failure TO CURRENT_ROLE USING (true) WITH CHECK (true);
CREATE POLICY tenant ON kernel.delivery_failure TO steward_app
  USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON kernel.delivery_failure TO steward_relay;
GRANT SELECT, UPDATE ON kernel.delivery_failure TO steward_app;

-- The relay's read: complete below the horizon, resumable at (xid, ordinal).
CREATE FUNCTION kernel.outbox_after(after_xid xid8, after_ordinal int, max_rows int) RETURNS SETOF kernel.outbox LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT * FROM kernel.outbox o
  WHERE (o.xid, o.ordinal) > (after_xid, after_ordinal) AND o.xid < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY o.xid, o.ordinal LIMIT max_rows;
END;
GRANT EXECUTE ON FUNCTION kernel.outbox_after TO steward_relay;

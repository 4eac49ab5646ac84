-- What the indexer keeps: which filling of the engines is searched, and how far each filling has come. The engines hold
-- the rest.
CREATE SCHEMA IF NOT EXISTS rag;
GRANT USAGE ON SCHEMA rag TO steward_app, steward_relay;

-- One filling of the engines. Searched is the live one, and before there is a first live one the one that is being built.
--   model       that the vectors were made by; empty without vectors
--   shape       digest of what the passages of the modules' resources are made of; a release with another one builds anew
CREATE TABLE rag.generation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text NOT NULL CHECK (state IN ('building', 'live', 'retired')), model text NOT NULL,
  shape bytea NOT NULL DEFAULT '', reason text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), text_ready_at timestamptz, vectors_ready_at timestamptz, live_at timestamptz, retired_at timestamptz);
CREATE UNIQUE INDEX generation_one_live ON rag.generation (state) WHERE state = 'live';
CREATE UNIQUE INDEX generation_one_building ON rag.generation (state) WHERE state = 'building';
GRANT SELECT, INSERT, UPDATE, DELETE ON rag.generation TO steward_relay;
GRANT SELECT ON rag.generation TO steward_app;

-- How far the rows of a tenant and a resource have come into a part of a generation, and how they compared last time.
--   shape      digest of what the tenant's own fields add to the resource's passages; another one asks for a new filling
--   after_id   the last row that was written; rows are walked in the order of their ids
--   checksum   over id and version of every record that the engine holds, when it agreed with the rows
CREATE TABLE rag.filling (
  tenant_id uuid NOT NULL, generation bigint NOT NULL, part text COLLATE "C" NOT NULL CHECK (part IN ('text', 'vectors')), resource text COLLATE "C" NOT NULL,
  shape bytea NOT NULL, after_id uuid, records bigint NOT NULL DEFAULT 0, filled_at timestamptz, check_wanted boolean NOT NULL DEFAULT true,
  checked_at timestamptz, missing bigint NOT NULL DEFAULT 0, stale bigint NOT NULL DEFAULT 0, surplus bigint NOT NULL DEFAULT 0, checksum bytea,
  PRIMARY KEY (tenant_id, generation, part, resource));
ALTER TABLE rag.filling ENABLE ROW LEVEL SECURITY;
ALTER TABLE rag.filling FORCE ROW LEVEL SECURITY;
CREATE POLICY relay ON rag.filling TO steward_relay USING (true) WITH CHECK (true);
CREATE POLICY owner ON rag.filling TO CURRENT_ROLE USING (true) WITH CHECK (true);
CREATE POLICY tenant ON rag.filling FOR SELECT TO steward_app USING (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON rag.filling TO steward_relay;
GRANT SELECT ON rag.filling TO steward_app;

-- A generation that takes the place of another hands its cursors over.
GRANT DELETE ON kernel.outbox_cursor TO steward_relay;

-- Where reading the outbox may begin, so that rows which a later snapshot does not see come after it.
CREATE FUNCTION kernel.outbox_horizon() RETURNS xid8 LANGUAGE sql VOLATILE
  RETURN (SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text::xid8);
GRANT EXECUTE ON FUNCTION kernel.outbox_horizon TO steward_relay;

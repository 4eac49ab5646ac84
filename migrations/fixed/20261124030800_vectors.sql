-- Vectors in PostgreSQL, one pair of tables for each generation. The tables are made when a generation is created and not
-- here: a database without the extension `vector` must migrate and run everything else.
CREATE SCHEMA IF NOT EXISTS rag;
GRANT USAGE ON SCHEMA rag TO steward_app, steward_relay;

-- The fence and the passages of a generation. A generation that exists is left as it is.
--   dimensions   of every vector; another model with other dimensions is another generation
CREATE FUNCTION rag.create_vectors(generation bigint, dimensions int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  home name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector');
  records text := format('rag.%I', 'vector_record_' || generation);
  passages text := format('rag.%I', 'vector_' || generation);
BEGIN
  IF home IS NULL THEN
    RAISE EXCEPTION 'the extension vector is not installed in this database' USING ERRCODE = 'undefined_object';
  END IF;
  -- 4,000 is the most that an index on halfvec takes.
  IF generation < 0 OR dimensions NOT BETWEEN 1 AND 4000 THEN
    RAISE EXCEPTION 'a generation is not negative and has 1 to 4000 dimensions' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('steward:vectors', generation));
  IF to_regclass(passages) IS NOT NULL THEN
    RETURN;
  END IF;

  -- Every record that was ever written, with its last version: what arrives late is measured by it. A record that is
  -- gone keeps its row until it is pruned.
  EXECUTE format('CREATE TABLE %s (
    tenant_id uuid NOT NULL, resource text COLLATE "C" NOT NULL, entity_id uuid NOT NULL, version bigint NOT NULL, gone_at timestamptz,
    PRIMARY KEY (tenant_id, resource, entity_id))', records);
  EXECUTE format('CREATE INDEX ON %s (tenant_id, gone_at) WHERE gone_at IS NOT NULL', records);

  -- Attributes and version are repeated in every passage, so that a search filters one table. Room is left in the pages:
  -- a change of them alone then touches no index.
  EXECUTE format('CREATE TABLE %s (
    tenant_id uuid NOT NULL, resource text COLLATE "C" NOT NULL, entity_id uuid NOT NULL, family text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL, ordinal bigint NOT NULL, version bigint NOT NULL, owner_id uuid, department_id uuid, company_id uuid,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32), embedding %I.halfvec(%s) NOT NULL,
    PRIMARY KEY (tenant_id, resource, entity_id, family, field, ordinal)) WITH (fillfactor = 85)', passages, home, dimensions);

  PERFORM app.protect_kernel(records::regclass, 'SELECT, INSERT, UPDATE, DELETE');
  PERFORM app.protect_kernel(passages::regclass, 'SELECT, INSERT, UPDATE, DELETE');
END $$;

-- Drops a generation with all that it holds, of every tenant. One that does not exist is fine.
CREATE FUNCTION rag.drop_vectors(generation bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET client_min_messages = warning AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('steward:vectors', generation));
  EXECUTE format('DROP TABLE IF EXISTS rag.%I, rag.%I', 'vector_' || generation, 'vector_record_' || generation);
END $$;

-- An approximate index over one tenant's vectors. Only that tenant's: others stay exact, their inserts stay cheap, and
-- what one tenant holds has no influence on what another finds. Writes to the generation wait while it is built.
CREATE FUNCTION rag.index_vectors(generation bigint, tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET client_min_messages = warning SET maintenance_work_mem = '256MB' AS $$
DECLARE
  home name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector');
BEGIN
  EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON rag.%I USING hnsw (embedding %I.halfvec_cosine_ops) WITH (m = 24, ef_construction = 128) WHERE tenant_id = %L',
                 format('hnsw_%s_%s', generation, replace(tenant::text, '-', '')), 'vector_' || generation, home, tenant);
  -- Whether a search may use it is decided by the planner's estimates.
  EXECUTE format('ANALYZE rag.%I', 'vector_' || generation);
END $$;

CREATE FUNCTION rag.unindex_vectors(generation bigint, tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET client_min_messages = warning AS $$
BEGIN
  EXECUTE format('DROP INDEX IF EXISTS rag.%I', format('hnsw_%s_%s', generation, replace(tenant::text, '-', '')));
END $$;

-- Whoever serves requests reads and writes rows of his tenant; only the upkeep makes and drops what holds them.
REVOKE ALL ON FUNCTION rag.create_vectors, rag.drop_vectors, rag.index_vectors, rag.unindex_vectors FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rag.create_vectors, rag.drop_vectors, rag.index_vectors, rag.unindex_vectors TO steward_relay;

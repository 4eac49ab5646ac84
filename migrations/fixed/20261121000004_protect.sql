-- What makes a table a tenant table. A module's migration calls `app.protect` once for each of its tables,
-- so that no table has a policy of its own making.

-- Counts versions of a row; the client's version column is never trusted.
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  NEW.updated_at := now();
  RETURN NEW;
END $$;

-- One change record (who, by which command, old and new values) and one outbox row for each changed row.
-- Arguments: the resource's name, and the column that names the parent row ('' if none).
CREATE FUNCTION app.capture() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before jsonb; after jsonb; diff jsonb; n int; row_now jsonb;
BEGIN
  IF TG_OP <> 'INSERT' THEN before := to_jsonb(OLD) - '{tenant_id,id,version,created_at,updated_at}'::text[]; END IF;
  IF TG_OP <> 'DELETE' THEN after := to_jsonb(NEW) - '{tenant_id,id,version,created_at,updated_at}'::text[]; END IF;
  row_now := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
  SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(before -> key, after -> key)), '{}') INTO diff
    FROM jsonb_object_keys(coalesce(after, before)) AS key
   WHERE (before -> key) IS DISTINCT FROM (after -> key) AND NOT (TG_OP = 'INSERT' AND after -> key = 'null');
  n := app.next_ordinal();
  EXECUTE format('INSERT INTO %I.kernel_change (tenant_id, xid, ordinal, resource, entity_id, parent_id, version, operation, diff, actor_id, command, correlation_id)
                  VALUES ($1, pg_current_xact_id(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', TG_TABLE_SCHEMA)
    USING (row_now ->> 'tenant_id')::uuid, n, TG_ARGV[0], (row_now ->> 'id')::uuid,
          CASE WHEN TG_ARGV[1] <> '' THEN (row_now ->> TG_ARGV[1])::uuid END, (row_now ->> 'version')::bigint, lower(left(TG_OP, 1)), diff,
          app.actor(), current_setting('app.command', true), current_setting('app.correlation', true);
  INSERT INTO kernel.outbox (tenant_id, ordinal, kind, name, entity_id, version, payload, actor_id, command, correlation_id)
  VALUES ((row_now ->> 'tenant_id')::uuid, n, 'change', TG_ARGV[0], (row_now ->> 'id')::uuid, (row_now ->> 'version')::bigint,
          CASE WHEN TG_OP = 'DELETE' THEN '{"deleted":true}'::jsonb END, app.actor(), current_setting('app.command', true), current_setting('app.correlation', true));
  RETURN NULL;
END $$;

-- Row-level security, forced, with the scope's columns; version counting and change capture.
--   resource    'sales.order'
--   permission  'sales:order:read'
--   owner_column, department_column, company_column   columns that place a row in a scope, null where the table has none:
--               a grant at a width the table has no column for then shows nothing (it fails closed)
--   parent      the column that names the parent row, for lines
CREATE FUNCTION app.protect(target regclass, resource text, permission text, owner_column text DEFAULT NULL,
                            department_column text DEFAULT NULL, company_column text DEFAULT NULL, parent text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE arms text := '';
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  IF company_column IS NOT NULL THEN arms := arms || format(' WHEN ''company'' THEN %I = ANY ((SELECT app.companies())::uuid[])', company_column); END IF;
  IF department_column IS NOT NULL THEN arms := arms || format(' WHEN ''department'' THEN %I = ANY ((SELECT app.departments())::uuid[])', department_column); END IF;
  IF owner_column IS NOT NULL THEN
    arms := arms || format(' WHEN ''team'' THEN %I = ANY ((SELECT app.team())::uuid[]) WHEN ''own'' THEN %I = (SELECT app.actor())', owner_column, owner_column);
  END IF;
  EXECUTE format('CREATE POLICY visible ON %s TO steward_app USING (tenant_id = (SELECT app.tenant()) AND CASE (SELECT app.scope(%L)) WHEN ''tenant'' THEN true%s ELSE false END)
                  WITH CHECK (tenant_id = (SELECT app.tenant()))', target, permission, arms);
  EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_ROLE USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()))', target);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO steward_app', target);
  EXECUTE format('CREATE TRIGGER touch BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION app.touch()', target);
  EXECUTE format('CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION app.capture(%L, %L)', target, resource, coalesce(parent, ''));
END $$;

-- The same wall for the kernel's own tables: tenant only, no capture; rights are checked by the code that reads them.
CREATE FUNCTION app.protect_kernel(target regclass, rights text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY tenant ON %s TO steward_app USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()))', target);
  EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_ROLE USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()))', target);
  EXECUTE format('GRANT %s ON %s TO steward_app', rights, target);
END $$;
REVOKE ALL ON FUNCTION app.protect, app.protect_kernel FROM PUBLIC;

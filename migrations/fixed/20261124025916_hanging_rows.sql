-- Rows that hang on a record of any other resource (a document on an order), and rows that are for every reader.

-- Whether the asker may read the record `id` of `resource`. The resource's own table is asked under its own policy, with the
-- caller's rights: the name leads to the table, so no module reads another one's. Fails closed: a name without a table,
-- or a table without row-level security, has no records. In a write the width is the tenant's, as everywhere.
CREATE FUNCTION app.sees(resource text, id uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  wanted regclass; seen boolean;
BEGIN
  SELECT c.oid INTO wanted FROM pg_catalog.pg_class c
   WHERE c.oid = to_regclass(quote_ident(replace(resource, '.', '_'))) AND c.relrowsecurity AND c.relforcerowsecurity;
  IF wanted IS NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE t.tenant_id = (SELECT app.tenant()) AND t.id = $1)', wanted) INTO seen USING id;
  RETURN seen;
END $$;

-- The rows of `target` may hang on a record: `resource_column` names its resource, `id_column` is its id. Such a row is
-- readable only by who may read that record as well. It narrows the policy of `app.protect`, which is called first.
CREATE FUNCTION app.hang(target regclass, resource_column text, id_column text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ADD CHECK ((%I IS NULL) = (%I IS NULL))', target, resource_column, id_column);
  EXECUTE format('CREATE POLICY hangs ON %s AS RESTRICTIVE FOR SELECT TO steward_app USING (%I IS NULL OR app.sees(%I, %I))',
                 target, id_column, resource_column, id_column);
END $$;

-- Rows of `target` that name none of the scope's columns are for everybody who holds `permission`, at whatever width.
CREATE FUNCTION app.open_unplaced(target regclass, permission text, owner_column text DEFAULT NULL, department_column text DEFAULT NULL,
                                  company_column text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE unplaced text := '';
BEGIN
  SELECT string_agg(format(' AND %I IS NULL', name), '') INTO unplaced FROM unnest(ARRAY[owner_column, department_column, company_column]) AS name WHERE name IS NOT NULL;
  IF unplaced IS NULL THEN
    RAISE EXCEPTION 'a table without a column of the scope has no unplaced rows' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  EXECUTE format('CREATE POLICY unplaced ON %s FOR SELECT TO steward_app USING (tenant_id = (SELECT app.tenant()) AND (SELECT app.scope(%L)) IS NOT NULL%s)',
                 target, permission, unplaced);
END $$;
REVOKE ALL ON FUNCTION app.hang, app.open_unplaced FROM PUBLIC;

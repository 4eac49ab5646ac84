-- What the house notes about requests, such as calls of models: too many rows for a change record and an outbox row each.
-- The wall and the width of the reader are those of `app.protect`; nothing is captured, and versions are not counted.
--   rights        what the application may do with the rows, such as 'SELECT, INSERT'
--   owner_column  the column that places a row in a scope, null where there is none: grants at another width show nothing
CREATE FUNCTION app.protect_log(target regclass, permission text, rights text, owner_column text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE arms text := '';
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  IF owner_column IS NOT NULL THEN
    arms := format(' WHEN ''team'' THEN %I = ANY ((SELECT app.team())::uuid[]) WHEN ''own'' THEN %I = (SELECT app.actor())', owner_column, owner_column);
  END IF;
  EXECUTE format('CREATE POLICY visible ON %s TO steward_app USING (tenant_id = (SELECT app.tenant()) AND CASE (SELECT app.scope(%L)) WHEN ''tenant'' THEN true%s ELSE false END)
                  WITH CHECK (tenant_id = (SELECT app.tenant()))', target, permission, arms);
  EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_ROLE USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()))', target);
  EXECUTE format('GRANT %s ON %s TO steward_app', rights, target);
END $$;
REVOKE ALL ON FUNCTION app.protect_log FROM PUBLIC;

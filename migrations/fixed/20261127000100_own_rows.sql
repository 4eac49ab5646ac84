-- Beside `app.open_unplaced`: rows of `target` are readable by whom they name in `owner_column`, if he holds `permission`, at whatever
-- width. Without it the author of a draft who reads at the width of his company would not see what he has begun.
CREATE FUNCTION app.open_own(target regclass, permission text, owner_column text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE POLICY authored ON %s FOR SELECT TO steward_app USING (tenant_id = (SELECT app.tenant()) AND (SELECT app.scope(%L)) IS NOT NULL AND %I = (SELECT app.actor()))',
                 target, permission, owner_column);
END $$;
REVOKE ALL ON FUNCTION app.open_own FROM PUBLIC;

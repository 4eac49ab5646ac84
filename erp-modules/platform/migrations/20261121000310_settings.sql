-- The tenant's settings as a record that can be read, with its history. The unit of work reads them from
-- `kernel_placement`, where the command changes them; this row follows by trigger.
CREATE TABLE platform_settings (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  name text COLLATE "C" NOT NULL, plan text COLLATE "C" NOT NULL, time_zone text COLLATE "C" NOT NULL, language text COLLATE "C" NOT NULL, fiscal_year_month int NOT NULL,
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON platform_settings (tenant_id, created_at, id);
SELECT app.protect('platform_settings', 'platform.settings', 'platform:settings:read');

CREATE FUNCTION platform_settings_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO platform_settings AS s (tenant_id, id, name, plan, time_zone, language, fiscal_year_month)
  VALUES (NEW.tenant_id, NEW.tenant_id, NEW.name, NEW.plan, NEW.time_zone, NEW.language, NEW.fiscal_year_month)
  ON CONFLICT (tenant_id, id) DO UPDATE
    SET name = excluded.name, plan = excluded.plan, time_zone = excluded.time_zone, language = excluded.language, fiscal_year_month = excluded.fiscal_year_month
    WHERE (s.name, s.plan, s.time_zone, s.language, s.fiscal_year_month) IS DISTINCT FROM (excluded.name, excluded.plan, excluded.time_zone, excluded.language, excluded.fiscal_year_month);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION platform_settings_follow FROM PUBLIC;
CREATE TRIGGER settings_follow AFTER INSERT OR UPDATE ON kernel_placement FOR EACH ROW EXECUTE FUNCTION platform_settings_follow();

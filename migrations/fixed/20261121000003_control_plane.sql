-- The control plane: which tenants exist, where they are placed and what their plan includes.
-- Only the owner writes here; what a unit of work needs of it is copied into the tenant's placement.
CREATE SCHEMA control;
GRANT USAGE ON SCHEMA control TO steward_app, steward_login;

CREATE TABLE control.plan (
  name text COLLATE "C" PRIMARY KEY, modules text[] NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
COMMENT ON COLUMN control.plan.modules IS 'names of modules; {*} is every module';
INSERT INTO control.plan (name, modules) VALUES ('standard', '{*}');

CREATE TABLE control.tenant (
  id         uuid PRIMARY KEY,
  slug       text COLLATE "C" NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{0,39}$'),
  name       text NOT NULL,
  plan       text COLLATE "C" NOT NULL REFERENCES control.plan,
  placement  text NOT NULL CHECK (placement IN ('pooled', 'schema')),
  schema     text COLLATE "C" NOT NULL,
  epoch      bigint NOT NULL DEFAULT 1,
  state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
  created_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX ON control.tenant (schema) WHERE placement = 'schema';

-- A directory look-up, by id or by slug, needs no right on the table.
CREATE FUNCTION control.find_tenant(wanted text) RETURNS SETOF control.tenant
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, control
BEGIN ATOMIC
  SELECT * FROM control.tenant t WHERE t.slug = wanted OR t.id::text = wanted;
END;
CREATE FUNCTION control.all_tenants() RETURNS SETOF control.tenant
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, control
BEGIN ATOMIC
  SELECT * FROM control.tenant t ORDER BY t.slug;
END;
REVOKE ALL ON FUNCTION control.find_tenant, control.all_tenants FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.find_tenant, control.all_tenants TO steward_app, steward_login;

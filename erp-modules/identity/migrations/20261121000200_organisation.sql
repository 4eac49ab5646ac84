-- Companies, departments, users and who reports to whom: the organisation that rights depend on.

CREATE TABLE identity_company (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  code text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'), country text COLLATE "C" NOT NULL DEFAULT '' CHECK (country ~ '^([A-Z]{2})?$'),
  PRIMARY KEY (tenant_id, id), CONSTRAINT identity_company_code UNIQUE (tenant_id, code));
CREATE INDEX ON identity_company (tenant_id, created_at, id);
CREATE INDEX ON identity_company (tenant_id, name, id);
CREATE INDEX ON identity_company (tenant_id, name_fold, id);
CREATE INDEX ON identity_company (tenant_id, code, id);
SELECT app.protect('identity_company', 'identity.company', 'identity:company:read', company_column => 'id');

CREATE TABLE identity_department (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  name text COLLATE "C" NOT NULL, name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED, company_id uuid NOT NULL, parent_id uuid,
  PRIMARY KEY (tenant_id, id), CONSTRAINT identity_department_name UNIQUE (tenant_id, company_id, name),
  FOREIGN KEY (tenant_id, company_id) REFERENCES identity_company (tenant_id, id), FOREIGN KEY (tenant_id, parent_id) REFERENCES identity_department (tenant_id, id));
CREATE INDEX ON identity_department (tenant_id, created_at, id);
CREATE INDEX ON identity_department (tenant_id, name, id);
CREATE INDEX ON identity_department (tenant_id, name_fold, id);
CREATE INDEX ON identity_department (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
SELECT app.protect('identity_department', 'identity.department', 'identity:department:read', department_column => 'id', company_column => 'company_id');

-- A user is in his own width (`own` is himself, `team` are those below him).
CREATE TABLE identity_user (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  number text COLLATE "C" NOT NULL DEFAULT '', name text COLLATE "C" NOT NULL, name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  email text COLLATE "C" NOT NULL CHECK (email = lower(email)), position text NOT NULL DEFAULT '', language text COLLATE "C",
  company_id uuid NOT NULL, department_id uuid, manager_id uuid, active boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, id), CONSTRAINT identity_user_email UNIQUE (tenant_id, email),
  FOREIGN KEY (tenant_id, company_id) REFERENCES identity_company (tenant_id, id), FOREIGN KEY (tenant_id, department_id) REFERENCES identity_department (tenant_id, id),
  FOREIGN KEY (tenant_id, manager_id) REFERENCES identity_user (tenant_id, id), CHECK (manager_id <> id));
COMMENT ON COLUMN identity_user.number IS 'the employee number; empty where there is none';
COMMENT ON COLUMN identity_user.company_id IS 'the default company; further ones stand in identity_user_company';
CREATE UNIQUE INDEX identity_user_number ON identity_user (tenant_id, number) WHERE number <> '';
CREATE INDEX ON identity_user (tenant_id, created_at, id);
CREATE INDEX ON identity_user (tenant_id, number, id);
CREATE INDEX ON identity_user (tenant_id, name, id);
CREATE INDEX ON identity_user (tenant_id, name_fold, id);
CREATE INDEX ON identity_user (tenant_id, email, id);
CREATE INDEX ON identity_user (tenant_id, department_id, name, id);
CREATE INDEX ON identity_user (tenant_id, manager_id) WHERE manager_id IS NOT NULL;
SELECT app.protect('identity_user', 'identity.user', 'identity:user:read', owner_column => 'id', department_column => 'department_id', company_column => 'company_id');

-- Companies that a user works for beside the default one.
CREATE TABLE identity_user_company (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  user_id uuid NOT NULL, company_id uuid NOT NULL, PRIMARY KEY (tenant_id, id), CONSTRAINT identity_user_company_once UNIQUE (tenant_id, user_id, company_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES identity_user (tenant_id, id), FOREIGN KEY (tenant_id, company_id) REFERENCES identity_company (tenant_id, id));
CREATE INDEX ON identity_user_company (tenant_id, created_at, id);
SELECT app.protect('identity_user_company', 'identity.user_company', 'identity:user:read', owner_column => 'user_id', company_column => 'company_id', parent => 'user_id');

-- Roles, what they grant, who has them; sessions and API keys; credentials.

-- `builtin` is the administrator: it holds every permission and only the house changes it.
CREATE TABLE identity_role (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  name text COLLATE "C" NOT NULL, name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED, builtin boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, id), CONSTRAINT identity_role_name UNIQUE (tenant_id, name));
CREATE INDEX ON identity_role (tenant_id, created_at, id);
CREATE INDEX ON identity_role (tenant_id, name, id);
CREATE INDEX ON identity_role (tenant_id, name_fold, id);
SELECT app.protect('identity_role', 'identity.role', 'identity:role:read');

CREATE TABLE identity_role_grant (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  role_id uuid NOT NULL, permission text COLLATE "C" NOT NULL CHECK (permission ~ '^[a-z0-9_]+(:[a-z0-9_]+)+$'),
  scope text COLLATE "C" NOT NULL CHECK (scope IN ('own', 'team', 'department', 'company', 'tenant')),
  PRIMARY KEY (tenant_id, id), CONSTRAINT identity_role_grant_once UNIQUE (tenant_id, role_id, permission),
  FOREIGN KEY (tenant_id, role_id) REFERENCES identity_role (tenant_id, id));
CREATE INDEX ON identity_role_grant (tenant_id, created_at, id);
CREATE INDEX ON identity_role_grant (tenant_id, permission, id);
SELECT app.protect('identity_role_grant', 'identity.role_grant', 'identity:role:read', parent => 'role_id');

CREATE TABLE identity_user_role (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  user_id uuid NOT NULL, role_id uuid NOT NULL, PRIMARY KEY (tenant_id, id), CONSTRAINT identity_user_role_once UNIQUE (tenant_id, user_id, role_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES identity_user (tenant_id, id), FOREIGN KEY (tenant_id, role_id) REFERENCES identity_role (tenant_id, id));
CREATE INDEX ON identity_user_role (tenant_id, created_at, id);
CREATE INDEX ON identity_user_role (tenant_id, user_id, created_at, id);
CREATE INDEX ON identity_user_role (tenant_id, role_id);
SELECT app.protect('identity_user_role', 'identity.user_role', 'identity:role:read', owner_column => 'user_id', parent => 'user_id');

-- A person's log-in. It lives until it expires or is revoked, whatever a token claims.
CREATE TABLE identity_session (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  user_id uuid NOT NULL, expires_at timestamptz NOT NULL, revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, user_id) REFERENCES identity_user (tenant_id, id));
CREATE INDEX ON identity_session (tenant_id, created_at, id);
CREATE INDEX ON identity_session (tenant_id, user_id, created_at, id);
SELECT app.protect('identity_session', 'identity.session', 'identity:session:read', owner_column => 'user_id');

-- A program's way in, with the rights of its user but never interactive.
CREATE TABLE identity_api_key (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  user_id uuid NOT NULL, name text COLLATE "C" NOT NULL, expires_at timestamptz, revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, user_id) REFERENCES identity_user (tenant_id, id));
CREATE INDEX ON identity_api_key (tenant_id, created_at, id);
CREATE INDEX ON identity_api_key (tenant_id, user_id, created_at, id);
CREATE INDEX ON identity_api_key (tenant_id, name, id);
CREATE INDEX ON identity_api_key (tenant_id, user_id, name, id);
SELECT app.protect('identity_api_key', 'identity.api_key', 'identity:api_key:read', owner_column => 'user_id');

-- What proves who somebody is. No capture, no outbox, and the application may write but not read the hashes.
CREATE TABLE identity_credential (
  tenant_id uuid NOT NULL, user_id uuid NOT NULL, password_hash text NOT NULL, failures int NOT NULL DEFAULT 0, locked_until timestamptz, changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, user_id), FOREIGN KEY (tenant_id, user_id) REFERENCES identity_user (tenant_id, id));
SELECT app.protect_kernel('identity_credential', 'SELECT (tenant_id, user_id, failures, locked_until, changed_at), INSERT, UPDATE');
CREATE TABLE identity_api_secret (
  tenant_id uuid NOT NULL, api_key_id uuid NOT NULL, secret_hash bytea NOT NULL, last_used_at timestamptz,
  PRIMARY KEY (tenant_id, api_key_id), FOREIGN KEY (tenant_id, api_key_id) REFERENCES identity_api_key (tenant_id, id));
SELECT app.protect_kernel('identity_api_secret', 'SELECT (tenant_id, api_key_id, last_used_at), INSERT');

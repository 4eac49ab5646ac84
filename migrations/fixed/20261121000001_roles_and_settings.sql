-- Once for each database: the roles that serve it, and the functions that policies and triggers of every placement use.

-- Roles belong to the cluster, so another database may have made them already.
DO $$
DECLARE role text;
BEGIN
  -- Two databases of one cluster may be prepared at the same time.
  PERFORM pg_advisory_xact_lock(hashtextextended('steward:roles', 0));
  FOREACH role IN ARRAY ARRAY['steward_app', 'steward_relay', 'steward_login'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', role);
    END IF;
    IF NOT pg_has_role(current_user, role, 'SET') THEN
      EXECUTE format('GRANT %I TO CURRENT_USER WITH SET TRUE', role);
    END IF;
  END LOOP;
END $$;

-- Functions with the owner's rights must never meet a caller's temporary objects.
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO steward_app, steward_relay, steward_login;

-- Settings are read through functions that fail closed: a setting that was never set reads as '' after the first commit.
CREATE FUNCTION app.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.tenant', true), '')::uuid;
CREATE FUNCTION app.actor() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.actor', true), '')::uuid;
CREATE FUNCTION app.team() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(nullif(current_setting('app.team', true), ''), '{}')::uuid[];
CREATE FUNCTION app.departments() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(nullif(current_setting('app.departments', true), ''), '{}')::uuid[];
CREATE FUNCTION app.companies() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(nullif(current_setting('app.companies', true), ''), '{}')::uuid[];
-- The width at which the actor holds a permission: own, team, department, company, tenant, or null.
-- In a write the tenant is the only wall; the bus checks the user's scope on the locked row and on every reference.
CREATE FUNCTION app.scope(permission text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE WHEN current_setting('app.mode', true) = 'write' THEN 'tenant'
              ELSE nullif(current_setting('app.grants', true), '')::jsonb ->> permission END;

-- Folded text for prefix search: without case and diacritics. `lower()` is not leakproof, so the result is stored in a column.
CREATE FUNCTION app.fold(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN lower(regexp_replace(normalize(replace(value, 'ß', 'ss'), NFKD), U&'[\0300-\036F]', '', 'g'));

-- Minor units of a currency (ISO 4217); two unless listed.
CREATE FUNCTION app.currency_digits(currency text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN currency IN ('BIF','CLP','DJF','GNF','ISK','JPY','KMF','KRW','PYG','RWF','UGX','VND','VUV','XAF','XOF','XPF') THEN 0
              WHEN currency IN ('BHD','IQD','JOD','KWD','LYD','OMR','TND') THEN 3 ELSE 2 END;

-- Position of a row within its transaction: with the transaction's id it orders the outbox without a sequence,
-- which a rolled-back preview would use up.
CREATE FUNCTION app.next_ordinal() RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := coalesce(nullif(current_setting('app.ordinal', true), ''), '0')::int + 1;
BEGIN
  PERFORM set_config('app.ordinal', n::text, true);
  RETURN n;
END $$;

-- Global kill switches. A flag without a row is on.
CREATE TABLE app.flag (name text COLLATE "C" PRIMARY KEY, enabled boolean NOT NULL);
GRANT SELECT ON app.flag TO steward_app;

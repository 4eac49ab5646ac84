-- What an API key is for: the ERP itself, with the rights of its user; language models, with no right in the ERP at all; or language
-- models and the assistant of the house behind their doors, which acts with the rights of its user and reaches no other door.
ALTER TABLE identity_api_key ADD COLUMN purpose text COLLATE "C" NOT NULL DEFAULT 'erp' CHECK (purpose IN ('erp', 'models', 'assistant'));

-- The log-in of the ERP does not know keys of another purpose, and no unit of work opens with one for models alone.
CREATE OR REPLACE FUNCTION api_key_lookup(tenant uuid, wanted uuid) RETURNS TABLE (user_id uuid, secret_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  RETURN QUERY
    SELECT k.user_id, s.secret_hash FROM identity_api_key k JOIN identity_api_secret s ON s.tenant_id = tenant AND s.api_key_id = k.id
     WHERE k.tenant_id = tenant AND k.id = wanted AND k.purpose = 'erp' AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now());
END $$;

-- The same for language models. A key without its user is no key: no unit of work asks for him here.
CREATE FUNCTION model_key_lookup(tenant uuid, wanted uuid) RETURNS TABLE (user_id uuid, secret_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  RETURN QUERY
    SELECT k.user_id, s.secret_hash FROM identity_api_key k JOIN identity_api_secret s ON s.tenant_id = tenant AND s.api_key_id = k.id
      JOIN identity_user u ON u.tenant_id = tenant AND u.id = k.user_id
     WHERE k.tenant_id = tenant AND k.id = wanted AND k.purpose IN ('models', 'assistant') AND u.active AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now());
END $$;
REVOKE ALL ON FUNCTION model_key_lookup FROM PUBLIC;
GRANT EXECUTE ON FUNCTION model_key_lookup TO steward_login;

CREATE OR REPLACE FUNCTION begin_work(tenant uuid, actor uuid, session uuid, mode text, expected_epoch bigint, correlation text, command text, moment timestamptz) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  is_system constant boolean := actor = '00000000-0000-0000-0000-000000000000';
  p record; u record;
  the_grants jsonb := '{}'; the_roles text[] := '{}'; by_team boolean; by_department boolean;
  the_team uuid[] := '{}'; the_departments uuid[] := '{}'; the_companies uuid[] := '{}';
BEGIN
  IF tenant IS NULL OR actor IS NULL OR moment IS NULL OR mode IS NULL OR mode NOT IN ('read', 'write', 'user_rights', 'rights') THEN
    RAISE EXCEPTION 'a unit of work needs a tenant, an actor, a moment and a mode' USING ERRCODE = '22023';
  END IF;
  -- First, because the owner's policies need it as well; emptied, because a transaction opens one unit of work only.
  PERFORM set_config('app.tenant', tenant::text, true), set_config('app.grants', '', true);

  IF mode = 'rights' THEN
    -- Everybody else holds it shared for the length of a write: a change of rights waits for them and then runs alone.
    PERFORM pg_advisory_xact_lock(hashtextextended('grants:' || tenant, 0));
  ELSE
    IF mode = 'user_rights' THEN
      -- Before the shared ones: whoever waits here holds nothing that the one before him could want.
      PERFORM pg_advisory_xact_lock(hashtextextended('rights:' || tenant, 0));
    END IF;
    -- The system has no grants of its own to hold, but its changes of rights must not pass those of many.
    IF mode = 'user_rights' OR (mode = 'write' AND NOT is_system) THEN
      PERFORM pg_advisory_xact_lock_shared(hashtextextended('grants:' || tenant, 0));
    END IF;
    IF mode IN ('write', 'user_rights') AND NOT is_system THEN
      PERFORM pg_advisory_xact_lock_shared(hashtextextended('grants:' || tenant || ':' || actor, 0));
    END IF;
  END IF;

  SELECT k.epoch, k.plan, k.modules, k.modules_off, k.flags_off, k.time_zone, k.language, k.fiscal_year_month, k.catalogue_version
    INTO p FROM kernel_placement k WHERE k.tenant_id = tenant;
  IF NOT FOUND OR p.epoch IS DISTINCT FROM expected_epoch THEN
    RAISE EXCEPTION 'the tenant is not placed here' USING ERRCODE = 'ST001';
  END IF;

  IF is_system THEN
    SELECT NULL::text AS name, NULL::text AS language, NULL::uuid AS company_id, NULL::uuid AS department_id INTO u;
  ELSE
    SELECT i.name, i.language, i.company_id, i.department_id INTO u FROM identity_user i
     WHERE i.tenant_id = tenant AND i.id = actor AND i.active
       AND (EXISTS (SELECT FROM identity_session s WHERE s.tenant_id = tenant AND s.id = session AND s.user_id = actor
                       AND s.revoked_at IS NULL AND s.expires_at > now())
         OR EXISTS (SELECT FROM identity_api_key s WHERE s.tenant_id = tenant AND s.id = session AND s.user_id = actor AND s.purpose IN ('erp', 'assistant')
                       AND s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())));
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'ST002';
    END IF;

    -- The widest scope of each permission over the user's roles.
    SELECT coalesce(jsonb_object_agg(w.permission, w.scope), '{}'), bool_or(w.scope = 'team'), bool_or(w.scope = 'department') INTO the_grants, by_team, by_department
      FROM (SELECT g.permission, (ARRAY['own', 'team', 'department', 'company', 'tenant'])[max(CASE g.scope WHEN 'tenant' THEN 5 WHEN 'company' THEN 4 WHEN 'department' THEN 3 WHEN 'team' THEN 2 ELSE 1 END)] AS scope
              FROM identity_user_role r JOIN identity_role_grant g ON g.tenant_id = tenant AND g.role_id = r.role_id
             WHERE r.tenant_id = tenant AND r.user_id = actor GROUP BY g.permission) w;
    SELECT coalesce(array_agg(n.name ORDER BY n.name), '{}') INTO the_roles
      FROM identity_user_role r JOIN identity_role n ON n.tenant_id = tenant AND n.id = r.role_id WHERE r.tenant_id = tenant AND r.user_id = actor;

    -- Everyone below, transitively; UNION ends a cycle. Only where a grant has the width.
    the_team := ARRAY[actor];
    IF by_team THEN
      WITH RECURSIVE below(id) AS (
        SELECT actor UNION SELECT i.id FROM identity_user i JOIN below b ON i.manager_id = b.id WHERE i.tenant_id = tenant)
      SELECT array_agg(b.id) INTO the_team FROM below b;
    END IF;
    IF u.department_id IS NOT NULL THEN
      the_departments := ARRAY[u.department_id];
      IF by_department THEN
        WITH RECURSIVE below(id) AS (
          SELECT u.department_id UNION SELECT d.id FROM identity_department d JOIN below b ON d.parent_id = b.id WHERE d.tenant_id = tenant)
        SELECT array_agg(b.id) INTO the_departments FROM below b;
      END IF;
    END IF;
    SELECT u.company_id || coalesce(array_agg(c.company_id) FILTER (WHERE c.company_id <> u.company_id), '{}') INTO the_companies
      FROM identity_user_company c WHERE c.tenant_id = tenant AND c.user_id = actor;
  END IF;

  PERFORM set_config('app.actor', actor::text, true), set_config('app.mode', CASE WHEN is_system OR mode <> 'read' THEN 'write' ELSE mode END, true),
          set_config('app.grants', the_grants::text, true), set_config('app.team', the_team::text, true),
          set_config('app.departments', the_departments::text, true), set_config('app.companies', the_companies::text, true),
          set_config('app.correlation', coalesce(correlation, ''), true), set_config('app.command', coalesce(command, ''), true),
          set_config('app.moment', moment::text, true), set_config('app.time_zone', p.time_zone, true);

  RETURN jsonb_build_object(
    'grants', the_grants, 'team', to_jsonb(the_team), 'departments', to_jsonb(the_departments), 'companies', to_jsonb(the_companies), 'roles', to_jsonb(the_roles),
    'user_name', coalesce(u.name, ''), 'language', coalesce(u.language, p.language), 'time_zone', p.time_zone, 'fiscal_year_month', p.fiscal_year_month,
    'modules', to_jsonb(p.modules), 'modules_off', to_jsonb(p.modules_off),
    'flags_off', to_jsonb(p.flags_off || coalesce((SELECT array_agg(f.name) FROM app.flag f WHERE NOT f.enabled), '{}')),
    'catalogue_version', p.catalogue_version, 'plan', p.plan, 'company', u.company_id, 'department', u.department_id);
END $$;

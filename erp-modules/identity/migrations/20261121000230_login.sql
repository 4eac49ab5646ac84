-- What the log-in may do, and nothing else: the role `steward_login` owns no right on any table.
-- Times come from the caller's clock where a rule counts minutes; a session's life is measured by the database alone.

CREATE FUNCTION login_lookup(tenant uuid, wanted text)
RETURNS TABLE (user_id uuid, name text, language text, password_hash text, active boolean, locked_until timestamptz, companies uuid[], roles text[], plan text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  RETURN QUERY
    SELECT u.id, u.name, coalesce(u.language, p.language), c.password_hash, u.active, c.locked_until,
           u.company_id || coalesce((SELECT array_agg(k.company_id) FROM identity_user_company k WHERE k.tenant_id = tenant AND k.user_id = u.id AND k.company_id <> u.company_id), '{}'),
           coalesce((SELECT array_agg(r.name ORDER BY r.name) FROM identity_user_role m JOIN identity_role r ON r.tenant_id = tenant AND r.id = m.role_id
                      WHERE m.tenant_id = tenant AND m.user_id = u.id), '{}'), p.plan
      FROM identity_user u JOIN kernel_placement p ON p.tenant_id = tenant LEFT JOIN identity_credential c ON c.tenant_id = tenant AND c.user_id = u.id
     WHERE u.tenant_id = tenant AND u.email = lower(wanted);
END $$;

-- Counts a failure; the last one of `failures_max` locks the account until `until` and starts the count anew.
CREATE FUNCTION login_failed(tenant uuid, failed_user uuid, failures_max int, until timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  UPDATE identity_credential c
     SET failures = CASE WHEN c.failures + 1 >= failures_max THEN 0 ELSE c.failures + 1 END,
         locked_until = CASE WHEN c.failures + 1 >= failures_max THEN until ELSE c.locked_until END
   WHERE c.tenant_id = tenant AND c.user_id = failed_user;
END $$;

-- Clears the failures and opens a session of so many seconds for a user who is still active; false if he is not.
CREATE FUNCTION session_open(tenant uuid, opened_by uuid, session uuid, ttl_seconds bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true), set_config('app.actor', opened_by::text, true), set_config('app.mode', 'write', true),
          set_config('app.command', 'identity.session.open', true), set_config('app.correlation', session::text, true);
  PERFORM FROM identity_user u WHERE u.tenant_id = tenant AND u.id = opened_by AND u.active FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE identity_credential c SET failures = 0, locked_until = NULL WHERE c.tenant_id = tenant AND c.user_id = opened_by AND (c.failures <> 0 OR c.locked_until IS NOT NULL);
  INSERT INTO identity_session (tenant_id, id, user_id, expires_at) VALUES (tenant, session, opened_by, now() + make_interval(secs => ttl_seconds));
  RETURN true;
END $$;

-- A log-out: the user ends his own session.
CREATE FUNCTION session_close(tenant uuid, closed_by uuid, session uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true), set_config('app.actor', closed_by::text, true), set_config('app.mode', 'write', true),
          set_config('app.command', 'identity.session.close', true), set_config('app.correlation', session::text, true);
  UPDATE identity_session s SET revoked_at = now() WHERE s.tenant_id = tenant AND s.id = session AND s.user_id = closed_by AND s.revoked_at IS NULL;
END $$;

CREATE FUNCTION api_key_lookup(tenant uuid, wanted uuid) RETURNS TABLE (user_id uuid, secret_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  RETURN QUERY
    SELECT k.user_id, s.secret_hash FROM identity_api_key k JOIN identity_api_secret s ON s.tenant_id = tenant AND s.api_key_id = k.id
     WHERE k.tenant_id = tenant AND k.id = wanted AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now());
END $$;

-- Notes that a key was used, to the minute.
CREATE FUNCTION api_key_used(tenant uuid, used uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  UPDATE identity_api_secret s SET last_used_at = now()
   WHERE s.tenant_id = tenant AND s.api_key_id = used AND (s.last_used_at IS NULL OR s.last_used_at < now() - interval '1 minute');
END $$;

REVOKE ALL ON FUNCTION login_lookup, login_failed, session_open, session_close, api_key_lookup, api_key_used FROM PUBLIC;
GRANT EXECUTE ON FUNCTION login_lookup, login_failed, session_open, session_close, api_key_lookup, api_key_used TO steward_login;

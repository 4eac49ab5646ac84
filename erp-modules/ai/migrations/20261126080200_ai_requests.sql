-- What is noted about calls of models, and what is counted. None of it is captured: the rows are many, and they are no
-- records that anybody changes. No prompt and no answer stands anywhere here but in `ai_exchange`.

-- One row for each call. `created_at` is its beginning.
CREATE TABLE ai_request (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  door text COLLATE "C" NOT NULL, alias text COLLATE "C" NOT NULL,
  provider text COLLATE "C", model text COLLATE "C",
  user_id uuid, key_id uuid,
  outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('answered', 'cached', 'cancelled', 'failed', 'refused')),
  code text COLLATE "C",
  attempts bigint NOT NULL DEFAULT 0,
  -- The whole of what was read and written; the parts beside it are included.
  input_tokens bigint NOT NULL DEFAULT 0, cache_read_tokens bigint NOT NULL DEFAULT 0, cache_write_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0, reasoning_tokens bigint NOT NULL DEFAULT 0,
  cost_nano bigint NOT NULL DEFAULT 0, priced boolean NOT NULL DEFAULT true,
  cost numeric GENERATED ALWAYS AS (cost_nano * 0.000000001) STORED,
  duration_ms bigint NOT NULL DEFAULT 0, first_token_ms bigint,
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON ai_request (tenant_id, created_at, id);
CREATE INDEX ON ai_request (tenant_id, user_id, created_at, id);
SELECT app.protect_log('ai_request', 'ai:request:read', 'SELECT, INSERT', owner_column => 'user_id');

-- The same by day of the tenant's calendar, for as long as the tenant exists. Nil stands for no user and no key, '' for none else.
CREATE TABLE ai_usage_day (
  tenant_id uuid NOT NULL, day date NOT NULL, user_id uuid NOT NULL, key_id uuid NOT NULL, door text COLLATE "C" NOT NULL, alias text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL, model text COLLATE "C" NOT NULL,
  requests bigint NOT NULL, failed bigint NOT NULL, refused bigint NOT NULL, unpriced bigint NOT NULL,
  input_tokens bigint NOT NULL, cache_read_tokens bigint NOT NULL, cache_write_tokens bigint NOT NULL, output_tokens bigint NOT NULL, reasoning_tokens bigint NOT NULL,
  cost_nano bigint NOT NULL,
  PRIMARY KEY (tenant_id, day, user_id, key_id, door, alias, provider, model));
SELECT app.protect_log('ai_usage_day', 'ai:usage:read', 'SELECT, INSERT, UPDATE', owner_column => 'user_id');

-- What of a budget was used in a period: settled usage, which alerts go by. What may still be spent, `ai_counter` says.
CREATE TABLE ai_budget_use (
  tenant_id uuid NOT NULL, budget_id uuid NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
  -- Calls, tokens or nano-dollars.
  used bigint NOT NULL,
  PRIMARY KEY (tenant_id, budget_id, starts_at));
SELECT app.protect_kernel('ai_budget_use', 'SELECT, INSERT, UPDATE');

-- Prompts and answers, masked, where the tenant wants them kept.
CREATE TABLE ai_exchange (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  request_id uuid NOT NULL, request_text text COLLATE "C" GENERATED ALWAYS AS (request_id::text) STORED, user_id uuid,
  alias text COLLATE "C" NOT NULL,
  prompt text COLLATE "C", answer text COLLATE "C",
  -- Something could not be masked and was left out.
  withheld boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON ai_exchange (tenant_id, created_at, id);
CREATE INDEX ON ai_exchange (tenant_id, user_id, created_at, id);
SELECT app.protect_log('ai_exchange', 'ai:exchange:read', 'SELECT, INSERT', owner_column => 'user_id');

-- Answers under a client's own key, so that a repeated call is answered and not made again.
CREATE TABLE ai_idempotency (
  tenant_id uuid NOT NULL, principal_id uuid NOT NULL, key text COLLATE "C" NOT NULL, body_hash bytea NOT NULL,
  -- Names the run that holds the key: one that was taken over cannot finish it.
  attempt uuid NOT NULL, state text COLLATE "C" NOT NULL CHECK (state IN ('running', 'done')),
  status int, content_type text COLLATE "C", body bytea, expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, principal_id, key));
CREATE INDEX ON ai_idempotency (tenant_id, expires_at);
SELECT app.protect_kernel('ai_idempotency', 'SELECT, INSERT, UPDATE, DELETE');

-- How much of a bound is leased in a window: spent, or in the hands of a process. Written by `ai_lease` and `ai_give_back` alone.
CREATE TABLE ai_counter (
  tenant_id uuid NOT NULL, id uuid NOT NULL, scope text COLLATE "C" NOT NULL, scope_id uuid NOT NULL, metric text COLLATE "C" NOT NULL, period text COLLATE "C" NOT NULL,
  starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, leased bigint NOT NULL DEFAULT 0 CHECK (leased >= 0),
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT ai_counter_once UNIQUE (tenant_id, scope, scope_id, metric, period, starts_at));
CREATE INDEX ON ai_counter (tenant_id, ends_at);
SELECT app.protect_kernel('ai_counter', 'SELECT');
-- What a process may spend by itself, and until when; `amount` is what could still come back.
CREATE TABLE ai_slice (
  tenant_id uuid NOT NULL, id uuid NOT NULL, counter_id uuid NOT NULL, amount bigint NOT NULL CHECK (amount >= 0), expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON ai_slice (tenant_id, expires_at);
SELECT app.protect_kernel('ai_slice', 'SELECT');

-- Leases a slice of every counter, or of none: then one row names the one that is full, by its place, and has no `granted`.
-- The rows of the counters are locked in the order of their keys, which the caller need not keep.
CREATE FUNCTION ai_lease(tenant uuid, until timestamptz, slices uuid[], scopes text[], scope_ids uuid[], metrics text[], periods text[],
                         starts timestamptz[], ends timestamptz[], needs bigint[], likes bigint[], caps bigint[])
RETURNS TABLE (place int, granted bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE w record; c record; left_over bigint; counters uuid[] := array_fill(NULL::uuid, ARRAY[cardinality(slices)]); grants bigint[] := array_fill(0::bigint, ARRAY[cardinality(slices)]);
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  FOR w IN SELECT * FROM unnest(scopes, scope_ids, metrics, periods, starts, ends, needs, likes, caps) WITH ORDINALITY
                  AS u(scope, scope_id, metric, period, starts_at, ends_at, need, liked, cap, at)
            ORDER BY u.scope COLLATE "C", u.scope_id, u.metric COLLATE "C", u.period COLLATE "C", u.starts_at LOOP
    LOOP
      SELECT k.id, k.leased INTO c FROM ai_counter k
       WHERE k.tenant_id = tenant AND k.scope = w.scope AND k.scope_id = w.scope_id AND k.metric = w.metric AND k.period = w.period AND k.starts_at = w.starts_at FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO ai_counter (tenant_id, id, scope, scope_id, metric, period, starts_at, ends_at)
      VALUES (tenant, gen_random_uuid(), w.scope, w.scope_id, w.metric, w.period, w.starts_at, w.ends_at) ON CONFLICT DO NOTHING;
    END LOOP;
    left_over := w.cap - c.leased;
    IF w.need > left_over THEN
      RETURN QUERY SELECT w.at::int, NULL::bigint;
      RETURN;
    END IF;
    counters[w.at] := c.id;
    grants[w.at] := greatest(w.need, least(w.liked, left_over / 16));
  END LOOP;
  UPDATE ai_counter k SET leased = k.leased + u.granted FROM unnest(counters, grants) AS u(id, granted) WHERE k.tenant_id = tenant AND k.id = u.id;
  INSERT INTO ai_slice (tenant_id, id, counter_id, amount, expires_at) SELECT tenant, u.id, u.counter_id, u.granted, until FROM unnest(slices, counters, grants) AS u(id, counter_id, granted);
  RETURN QUERY SELECT u.at::int, u.granted FROM unnest(grants) WITH ORDINALITY AS u(granted, at) ORDER BY u.at;
END $$;

-- Takes back parts of slices that were not spent; of one that has expired nothing comes back.
CREATE FUNCTION ai_give_back(tenant uuid, moment timestamptz, slices uuid[], amounts bigint[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  -- In the order in which leases lock them.
  PERFORM FROM ai_counter k WHERE k.tenant_id = tenant AND k.id IN (SELECT s.counter_id FROM ai_slice s WHERE s.tenant_id = tenant AND s.id = ANY (slices))
    ORDER BY k.scope, k.scope_id, k.metric, k.period, k.starts_at FOR UPDATE;
  WITH back AS (
    SELECT s.id, s.counter_id, least(s.amount, u.amount) AS amount
      FROM (SELECT v.id, sum(greatest(v.amount, 0))::bigint AS amount FROM unnest(slices, amounts) AS v(id, amount) GROUP BY v.id) u
      JOIN ai_slice s ON s.tenant_id = tenant AND s.id = u.id WHERE s.expires_at > moment),
  lowered AS (UPDATE ai_slice s SET amount = s.amount - b.amount FROM back b WHERE s.tenant_id = tenant AND s.id = b.id)
  UPDATE ai_counter k SET leased = k.leased - t.amount FROM (SELECT b.counter_id, sum(b.amount)::bigint AS amount FROM back b GROUP BY b.counter_id) t
   WHERE k.tenant_id = tenant AND k.id = t.counter_id;
END $$;

-- Forgets what is old, up to `max_rows` of each kind; returns the most that was forgotten of one. Sums by day stay.
CREATE FUNCTION ai_prune(tenant uuid, moment timestamptz, requests_before timestamptz, max_rows int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE most int := 0; n int; exchanges_before timestamptz;
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  SELECT moment - make_interval(days => s.prompt_log_days::int) INTO exchanges_before FROM ai_settings s WHERE s.tenant_id = tenant;
  DELETE FROM ai_exchange e WHERE e.tenant_id = tenant
     AND e.id = ANY (ARRAY(SELECT o.id FROM ai_exchange o WHERE o.tenant_id = tenant AND o.created_at < exchanges_before ORDER BY o.created_at LIMIT max_rows));
  GET DIAGNOSTICS n = ROW_COUNT; most := greatest(most, n);
  DELETE FROM ai_request r WHERE r.tenant_id = tenant
     AND r.id = ANY (ARRAY(SELECT o.id FROM ai_request o WHERE o.tenant_id = tenant AND o.created_at < requests_before ORDER BY o.created_at LIMIT max_rows));
  GET DIAGNOSTICS n = ROW_COUNT; most := greatest(most, n);
  DELETE FROM ai_idempotency i WHERE i.tenant_id = tenant
     AND i.ctid = ANY (ARRAY(SELECT o.ctid FROM ai_idempotency o WHERE o.tenant_id = tenant AND o.expires_at < moment LIMIT max_rows)) AND i.expires_at < moment;
  GET DIAGNOSTICS n = ROW_COUNT; most := greatest(most, n);
  DELETE FROM ai_slice s WHERE s.tenant_id = tenant
     AND s.id = ANY (ARRAY(SELECT o.id FROM ai_slice o WHERE o.tenant_id = tenant AND o.expires_at < moment LIMIT max_rows));
  GET DIAGNOSTICS n = ROW_COUNT; most := greatest(most, n);
  -- A clock that stands a little behind may still ask for the window before.
  DELETE FROM ai_counter k WHERE k.tenant_id = tenant
     AND k.id = ANY (ARRAY(SELECT o.id FROM ai_counter o WHERE o.tenant_id = tenant AND o.ends_at < moment - interval '1 hour' LIMIT max_rows));
  GET DIAGNOSTICS n = ROW_COUNT; most := greatest(most, n);
  DELETE FROM ai_budget_use u WHERE u.tenant_id = tenant
     AND u.ctid = ANY (ARRAY(SELECT o.ctid FROM ai_budget_use o WHERE o.tenant_id = tenant AND o.ends_at < moment - interval '1 day' LIMIT max_rows));
  GET DIAGNOSTICS n = ROW_COUNT; most := greatest(most, n);
  RETURN most;
END $$;

-- Counts up with every change of what the doors keep in memory of a tenant.
CREATE TABLE ai_state (tenant_id uuid PRIMARY KEY, changes bigint NOT NULL);
SELECT app.protect_kernel('ai_state', 'SELECT');
CREATE FUNCTION ai_state_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO ai_state AS s VALUES (app.tenant(), 1) ON CONFLICT (tenant_id) DO UPDATE SET changes = s.changes + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER state_changed AFTER INSERT OR UPDATE OR DELETE ON ai_key FOR EACH STATEMENT EXECUTE FUNCTION ai_state_changed();
CREATE TRIGGER state_changed AFTER INSERT OR UPDATE OR DELETE ON ai_budget FOR EACH STATEMENT EXECUTE FUNCTION ai_state_changed();
CREATE TRIGGER state_changed AFTER INSERT OR UPDATE OR DELETE ON ai_alias_rule FOR EACH STATEMENT EXECUTE FUNCTION ai_state_changed();
CREATE TRIGGER state_changed AFTER INSERT OR UPDATE OR DELETE ON ai_rule FOR EACH STATEMENT EXECUTE FUNCTION ai_state_changed();
CREATE TRIGGER state_changed AFTER INSERT OR UPDATE OR DELETE ON ai_prompt FOR EACH STATEMENT EXECUTE FUNCTION ai_state_changed();
CREATE TRIGGER state_changed AFTER INSERT OR UPDATE OR DELETE ON ai_settings FOR EACH STATEMENT EXECUTE FUNCTION ai_state_changed();

-- Names the state: while it stays the same, what the doors know of a tenant is right. Null where the tenant is not here.
CREATE FUNCTION ai_state_name(tenant uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE told text;
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  SELECT concat_ws(' ', coalesce(s.changes, 0), k.epoch, k.time_zone, k.modules, k.modules_off, k.flags_off,
                   (SELECT array_agg(f.name ORDER BY f.name) FROM app.flag f WHERE NOT f.enabled)) INTO told
    FROM kernel_placement k LEFT JOIN ai_state s ON s.tenant_id = tenant WHERE k.tenant_id = tenant;
  RETURN told;
END $$;
REVOKE ALL ON FUNCTION ai_lease, ai_give_back, ai_prune, ai_state_changed, ai_state_name FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_lease, ai_give_back, ai_prune, ai_state_name TO steward_app;

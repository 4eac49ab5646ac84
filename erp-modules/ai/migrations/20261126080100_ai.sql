-- What a tenant says about language models: who may call which, how much, and what is guarded.

-- A key for models: the id is that of the API key, whose secret and life belong to identity.
CREATE TABLE ai_key (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  user_id uuid NOT NULL,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  status text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'ended')),
  -- Whether it reaches the assistant of the house, with the rights of its user.
  acts boolean NOT NULL DEFAULT false,
  -- Empty is everything that is offered.
  aliases text[] NOT NULL DEFAULT '{}', doors text[] NOT NULL DEFAULT '{}',
  expires_at timestamptz, ended_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT ai_key_ended_has_time CHECK ((status = 'ended') = (ended_at IS NOT NULL)));
CREATE INDEX ON ai_key (tenant_id, name, id);
CREATE INDEX ON ai_key (tenant_id, user_id, name, id);
CREATE INDEX ON ai_key (tenant_id, name_fold, id);
CREATE INDEX ON ai_key (tenant_id, created_at, id);
CREATE INDEX ON ai_key (tenant_id, user_id, created_at, id);
SELECT app.protect('ai_key', 'ai.key', 'ai:key:read', owner_column => 'user_id');

-- An upper bound of something within a minute, a day or a month of the tenant's calendar.
CREATE TABLE ai_budget (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  scope text COLLATE "C" NOT NULL CHECK (scope IN ('tenant', 'user', 'key')),
  user_id uuid, key_id uuid,
  metric text COLLATE "C" NOT NULL CHECK (metric IN ('requests', 'tokens', 'cost')),
  period text COLLATE "C" NOT NULL CHECK (period IN ('minute', 'day', 'month')),
  -- Calls, tokens, or dollars down to the nano-dollar; what fits into 64 bits of the smallest unit.
  cap numeric(28, 9) NOT NULL CHECK (cap >= 0 AND cap <= CASE metric WHEN 'cost' THEN 9000000000 ELSE 9000000000000000000 END),
  currency text COLLATE "C" NOT NULL DEFAULT 'USD' CHECK (currency = 'USD'),
  thresholds text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT ai_budget_names_whom CHECK ((scope <> 'user' OR user_id IS NOT NULL) AND (scope <> 'key' OR key_id IS NOT NULL)),
  CONSTRAINT ai_budget_counts_whole CHECK (metric = 'cost' OR cap = trunc(cap)));
CREATE UNIQUE INDEX ai_budget_once ON ai_budget (tenant_id, scope, user_id, key_id, metric, period) NULLS NOT DISTINCT WHERE archived_at IS NULL;
CREATE INDEX ON ai_budget (tenant_id, name, id);
CREATE INDEX ON ai_budget (tenant_id, name_fold, id);
CREATE INDEX ON ai_budget (tenant_id, created_at, id);
SELECT app.protect('ai_budget', 'ai.budget', 'ai:budget:read');

-- A part of a budget was used up: one row for each part and period.
CREATE TABLE ai_alert (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  name text COLLATE "C" NOT NULL,
  budget_id uuid NOT NULL,
  threshold bigint NOT NULL CHECK (threshold BETWEEN 1 AND 100),
  period_start timestamptz NOT NULL, period_end timestamptz NOT NULL,
  used numeric(28, 9) NOT NULL, cap numeric(28, 9) NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT ai_alert_once UNIQUE (tenant_id, budget_id, period_start, threshold));
CREATE INDEX ON ai_alert (tenant_id, created_at, id);
SELECT app.protect('ai_alert', 'ai.alert', 'ai:alert:read');
-- What was told once stays so.
REVOKE UPDATE, DELETE ON ai_alert FROM steward_app;

-- Who may use an alias. Without a rule everybody may use everything that is offered.
CREATE TABLE ai_alias_rule (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  alias text COLLATE "C" NOT NULL CHECK (alias <> ''),
  alias_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(alias)) STORED,
  user_id uuid,
  effect text COLLATE "C" NOT NULL CHECK (effect IN ('allow', 'deny')),
  PRIMARY KEY (tenant_id, id));
CREATE UNIQUE INDEX ai_alias_rule_once ON ai_alias_rule (tenant_id, alias, user_id) NULLS NOT DISTINCT WHERE archived_at IS NULL;
CREATE INDEX ON ai_alias_rule (tenant_id, alias, id);
CREATE INDEX ON ai_alias_rule (tenant_id, alias_fold, id);
CREATE INDEX ON ai_alias_rule (tenant_id, created_at, id);
SELECT app.protect('ai_alias_rule', 'ai.alias_rule', 'ai:alias_rule:read');

-- A rule of the tenant's own for what may pass to a model: words or a pattern.
CREATE TABLE ai_rule (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  action text COLLATE "C" NOT NULL CHECK (action IN ('mask', 'refuse', 'flag')),
  words text[] NOT NULL DEFAULT '{}', pattern text COLLATE "C",
  PRIMARY KEY (tenant_id, id));
CREATE UNIQUE INDEX ai_rule_name ON ai_rule (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX ON ai_rule (tenant_id, name, id);
CREATE INDEX ON ai_rule (tenant_id, name_fold, id);
CREATE INDEX ON ai_rule (tenant_id, created_at, id);
SELECT app.protect('ai_rule', 'ai.rule', 'ai:rule:read');

-- A prompt under a name, with the version that holds now.
CREATE TABLE ai_prompt (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  description text COLLATE "C",
  active_number bigint NOT NULL DEFAULT 1 CHECK (active_number > 0),
  latest_number bigint NOT NULL DEFAULT 1 CHECK (latest_number > 0),
  PRIMARY KEY (tenant_id, id));
CREATE UNIQUE INDEX ai_prompt_name ON ai_prompt (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX ON ai_prompt (tenant_id, name, id);
CREATE INDEX ON ai_prompt (tenant_id, name_fold, id);
CREATE INDEX ON ai_prompt (tenant_id, created_at, id);
SELECT app.protect('ai_prompt', 'ai.prompt', 'ai:prompt:read');

CREATE TABLE ai_prompt_version (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  prompt_id uuid NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  author_id uuid,
  note text COLLATE "C",
  body text COLLATE "C" NOT NULL CHECK (char_length(body) <= 100000),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, prompt_id) REFERENCES ai_prompt (tenant_id, id));
CREATE UNIQUE INDEX ai_prompt_version_number ON ai_prompt_version (tenant_id, prompt_id, number);
CREATE INDEX ON ai_prompt_version (tenant_id, number, id);
CREATE INDEX ON ai_prompt_version (tenant_id, created_at, id);
SELECT app.protect('ai_prompt_version', 'ai.prompt_version', 'ai:prompt:read', parent => 'prompt_id');
-- A text that was written once stays so. Only taking a revision back removes the latest one.
REVOKE UPDATE ON ai_prompt_version FROM steward_app;

-- One row for each tenant, whose id is the tenant's.
CREATE TABLE ai_settings (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  name text COLLATE "C" NOT NULL,
  cache boolean NOT NULL DEFAULT false,
  cache_seconds bigint NOT NULL DEFAULT 300 CHECK (cache_seconds BETWEEN 1 AND 86400),
  masking boolean NOT NULL DEFAULT true,
  masked_kinds text[] NOT NULL DEFAULT '{email,phone,iban,card,ip,id,secret}',
  output_secrets text COLLATE "C" NOT NULL DEFAULT 'mask' CHECK (output_secrets IN ('mask', 'refuse', 'flag', 'ignore')),
  output_personal text COLLATE "C" NOT NULL DEFAULT 'flag' CHECK (output_personal IN ('mask', 'refuse', 'flag', 'ignore')),
  output_links text COLLATE "C" NOT NULL DEFAULT 'keep' CHECK (output_links IN ('keep', 'strip')),
  output_images text COLLATE "C" NOT NULL DEFAULT 'strip' CHECK (output_images IN ('keep', 'strip')),
  injection_threshold bigint CHECK (injection_threshold BETWEEN 1 AND 1000),
  prompt_log boolean NOT NULL DEFAULT false,
  prompt_log_days bigint NOT NULL DEFAULT 30 CHECK (prompt_log_days BETWEEN 1 AND 365),
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON ai_settings (tenant_id, created_at, id);
SELECT app.protect('ai_settings', 'ai.settings', 'ai:settings:read');

CREATE FUNCTION ai_settings_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO ai_settings AS s (tenant_id, id, name) VALUES (NEW.tenant_id, NEW.tenant_id, NEW.name)
  ON CONFLICT (tenant_id, id) DO UPDATE SET name = excluded.name WHERE s.name IS DISTINCT FROM excluded.name;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ai_settings_follow FROM PUBLIC;
CREATE TRIGGER ai_settings_follow AFTER INSERT OR UPDATE ON kernel_placement FOR EACH ROW EXECUTE FUNCTION ai_settings_follow();

-- Tenants that are here already. The wall holds for the owner too, so each is entered by itself.
DO $$
DECLARE known record;
BEGIN
  FOR known IN SELECT t.id, t.name FROM control.tenant t WHERE t.schema = current_schema() LOOP
    PERFORM set_config('app.tenant', known.id::text, true), set_config('app.command', 'ai.settings.begin', true);
    INSERT INTO ai_settings (tenant_id, id, name) SELECT known.id, known.id, known.name WHERE EXISTS (SELECT FROM kernel_placement k WHERE k.tenant_id = known.id);
  END LOOP;
  PERFORM set_config('app.tenant', '', true), set_config('app.command', '', true);
END $$;

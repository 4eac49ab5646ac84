-- The kernel's tables of a placement. The search path is the placement's schema, then `app`.

-- The tenants that live here: a copy of what the control plane says of them, read at the start of every unit of work.
CREATE TABLE kernel_placement (
  tenant_id uuid PRIMARY KEY, version bigint NOT NULL DEFAULT 1, epoch bigint NOT NULL, slug text COLLATE "C" NOT NULL, name text NOT NULL, plan text NOT NULL,
  modules text[] NOT NULL, modules_off text[] NOT NULL DEFAULT '{}', flags_off text[] NOT NULL DEFAULT '{}',
  time_zone text NOT NULL DEFAULT 'UTC', language text NOT NULL DEFAULT 'en', fiscal_year_month int NOT NULL DEFAULT 1 CHECK (fiscal_year_month BETWEEN 1 AND 12),
  catalogue_version bigint NOT NULL DEFAULT 0);
SELECT app.protect_kernel('kernel_placement', 'SELECT, UPDATE');

-- Fields that a tenant added. Their values stand in the column `custom` of the resource's table.
CREATE TABLE kernel_custom_field (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  resource text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'), kind text NOT NULL, choices text[] NOT NULL DEFAULT '{}',
  required boolean NOT NULL DEFAULT false, label text NOT NULL, label_de text, position int NOT NULL DEFAULT 0, archived_at timestamptz,
  PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, resource, name));
SELECT app.protect('kernel_custom_field', 'platform.custom_field', 'platform:custom_field:read');

-- What changed, when, by whom, through which command.
CREATE TABLE kernel_change (
  tenant_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT now(), xid xid8 NOT NULL, ordinal int NOT NULL, resource text COLLATE "C" NOT NULL, entity_id uuid NOT NULL,
  parent_id uuid, version bigint NOT NULL, operation text NOT NULL, diff jsonb NOT NULL, actor_id uuid, command text, correlation_id text,
  PRIMARY KEY (tenant_id, at, xid, ordinal)) PARTITION BY RANGE (at);
CREATE INDEX ON kernel_change (tenant_id, entity_id, at);
CREATE INDEX ON kernel_change (tenant_id, parent_id, at) WHERE parent_id IS NOT NULL;
CREATE INDEX ON kernel_change (xid);
SELECT app.protect_kernel('kernel_change', 'SELECT, INSERT');
SELECT app.ensure_partitions('kernel_change');

-- Who did or tried what. Rows are sealed into a chain after the commit (`kernel_seal_audit`), so that sealing does not serialise a tenant.
CREATE TABLE kernel_audit (
  tenant_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), id uuid NOT NULL, actor_id uuid, session_id uuid, door text NOT NULL, on_behalf_of text, command text NOT NULL, nested_in text,
  resource text, entity_id uuid, outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')), code text, risk text, correlation_id text, detail jsonb NOT NULL DEFAULT '{}',
  sequence bigint, hash bytea, PRIMARY KEY (tenant_id, at, id)) PARTITION BY RANGE (at);
CREATE INDEX ON kernel_audit (tenant_id, entity_id, at) WHERE entity_id IS NOT NULL;
CREATE INDEX ON kernel_audit (tenant_id, sequence);
SELECT app.protect_kernel('kernel_audit', 'SELECT, INSERT');
SELECT app.ensure_partitions('kernel_audit');
CREATE TABLE kernel_audit_head (tenant_id uuid PRIMARY KEY, sequence bigint NOT NULL, hash bytea NOT NULL);
SELECT app.protect_kernel('kernel_audit_head', 'SELECT');

-- The text of an audit row that its hash covers.
CREATE FUNCTION kernel_audit_text(a kernel_audit) RETURNS text LANGUAGE sql STABLE
  RETURN (to_jsonb(a) - 'hash')::text;
-- Seals up to `max_rows` rows of the tenant; returns how many. One sealer at a time for each tenant.
CREATE FUNCTION kernel_seal_audit(tenant uuid, max_rows int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE a kernel_audit; n int := 0; head kernel_audit_head;
BEGIN
  PERFORM set_config('app.tenant', tenant::text, true);
  INSERT INTO kernel_audit_head VALUES (tenant, 0, '\x') ON CONFLICT DO NOTHING;
  SELECT * INTO head FROM kernel_audit_head h WHERE h.tenant_id = tenant FOR UPDATE;
  FOR a IN SELECT * FROM kernel_audit k WHERE k.tenant_id = tenant AND k.sequence IS NULL ORDER BY k.at, k.id LIMIT max_rows LOOP
    head.sequence := head.sequence + 1;
    a.sequence := head.sequence;
    head.hash := sha256(head.hash || convert_to(kernel_audit_text(a), 'UTF8'));
    UPDATE kernel_audit k SET sequence = head.sequence, hash = head.hash WHERE k.tenant_id = tenant AND k.at = a.at AND k.id = a.id;
    n := n + 1;
  END LOOP;
  UPDATE kernel_audit_head h SET sequence = head.sequence, hash = head.hash WHERE h.tenant_id = tenant;
  RETURN n;
END $$;
REVOKE ALL ON FUNCTION kernel_seal_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel_seal_audit TO steward_app;

-- One row for each key: the same key with the same body returns the stored result, which holds references only.
CREATE TABLE kernel_idempotency (
  tenant_id uuid NOT NULL, actor_id uuid NOT NULL, key text COLLATE "C" NOT NULL, command text NOT NULL, digest bytea NOT NULL, result jsonb, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, actor_id, key));
SELECT app.protect_kernel('kernel_idempotency', 'SELECT, INSERT, UPDATE');

-- Executed commands that can be undone: the compensating command with its arguments.
CREATE TABLE kernel_execution (
  tenant_id uuid NOT NULL, id uuid NOT NULL, at timestamptz NOT NULL DEFAULT now(), actor_id uuid NOT NULL, command text NOT NULL, resource text, entity_id uuid,
  undo_command text NOT NULL, undo_input jsonb NOT NULL, undone_by uuid, PRIMARY KEY (tenant_id, id));
SELECT app.protect_kernel('kernel_execution', 'SELECT, INSERT, UPDATE');

-- Gapless numbers for each (company, series, year).
CREATE TABLE kernel_series (
  tenant_id uuid NOT NULL, company_id uuid NOT NULL, name text COLLATE "C" NOT NULL, year int NOT NULL, next bigint NOT NULL, PRIMARY KEY (tenant_id, company_id, name, year));
SELECT app.protect_kernel('kernel_series', 'SELECT, INSERT, UPDATE');

-- Events that a transactional subscriber has applied: at least once becomes once.
CREATE TABLE kernel_delivery (
  tenant_id uuid NOT NULL, consumer text COLLATE "C" NOT NULL, xid xid8 NOT NULL, ordinal int NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, consumer, xid, ordinal));
SELECT app.protect_kernel('kernel_delivery', 'SELECT, INSERT');

-- Which record an external id became, and a digest of what was brought in, so that a second import changes nothing.
CREATE TABLE kernel_external_id (
  tenant_id uuid NOT NULL, resource text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL, external_id text COLLATE "C" NOT NULL, entity_id uuid NOT NULL, digest bytea NOT NULL,
  PRIMARY KEY (tenant_id, resource, source, external_id));
CREATE INDEX ON kernel_external_id (tenant_id, resource, entity_id);
SELECT app.protect_kernel('kernel_external_id', 'SELECT, INSERT, UPDATE');

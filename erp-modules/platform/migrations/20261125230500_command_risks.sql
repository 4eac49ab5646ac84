-- Commands that the tenant holds to be more dangerous than their modules say. The tenant's catalogue takes them from
-- `kernel_placement`, where the commands that change this table copy them.
CREATE TABLE platform_command_risk (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  command text COLLATE "C" NOT NULL, risk text COLLATE "C" NOT NULL CHECK (risk IN ('high', 'human_only')),
  PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, command));
CREATE INDEX ON platform_command_risk (tenant_id, created_at, id);
CREATE INDEX ON platform_command_risk (tenant_id, command, id);
SELECT app.protect('platform_command_risk', 'platform.command_risk', 'platform:command_risk:read');

-- Customers, suppliers and other parties, with their addresses, contacts and activities.

CREATE TABLE crm_party (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz, custom jsonb NOT NULL DEFAULT '{}',
  owner_id uuid, department_id uuid, company_id uuid,
  code text COLLATE "C" CHECK (code <> ''),
  code_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(code)) STORED,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  kind text COLLATE "C" NOT NULL DEFAULT 'organisation' CHECK (kind IN ('organisation', 'person')),
  is_customer boolean NOT NULL DEFAULT false,
  is_supplier boolean NOT NULL DEFAULT false,
  tax_id text COLLATE "C",
  tax_key text COLLATE "C" GENERATED ALWAYS AS (upper(regexp_replace(tax_id, '[^A-Za-z0-9]', '', 'g'))) STORED,
  email text COLLATE "C", phone text COLLATE "C", website text COLLATE "C", language text COLLATE "C",
  currency text COLLATE "C" CHECK (currency ~ '^[A-Z]{3}$'),
  payment_term_days bigint CHECK (payment_term_days BETWEEN 0 AND 3650),
  credit_limit numeric(19, 4) CHECK (credit_limit >= 0),
  -- Copies of the main address, kept by the address commands, so that "customers in Germany" is a plain filter.
  city text COLLATE "C", city_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(city)) STORED,
  country text COLLATE "C", country_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(country)) STORED,
  note text COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT crm_party_credit_limit_has_currency CHECK (credit_limit IS NULL OR currency IS NOT NULL));
CREATE UNIQUE INDEX crm_party_code ON crm_party (tenant_id, code) WHERE code IS NOT NULL;
CREATE INDEX ON crm_party (tenant_id, name, id);
CREATE INDEX ON crm_party (tenant_id, owner_id, name, id);
CREATE INDEX ON crm_party (tenant_id, created_at, id);
CREATE INDEX ON crm_party (tenant_id, owner_id, created_at, id);
CREATE INDEX ON crm_party (tenant_id, name_fold, id);
CREATE INDEX ON crm_party (tenant_id, code_fold, id);
CREATE INDEX ON crm_party (tenant_id, city, id);
CREATE INDEX ON crm_party (tenant_id, city_fold, id);
CREATE INDEX ON crm_party (tenant_id, country, id);
CREATE INDEX ON crm_party (tenant_id, country_fold, id);
CREATE INDEX ON crm_party (tenant_id, tax_key) WHERE tax_key IS NOT NULL;
SELECT app.protect('crm_party', 'crm.party', 'crm:party:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id');

-- Addresses and contacts carry copies of the party's scope columns, kept equal by the commands.
CREATE TABLE crm_address (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  owner_id uuid, department_id uuid, company_id uuid,
  party_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL DEFAULT 'both' CHECK (kind IN ('billing', 'delivery', 'both')),
  main boolean NOT NULL DEFAULT false,
  street text COLLATE "C", city text COLLATE "C", city_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(city)) STORED,
  region text COLLATE "C", postal_code text COLLATE "C", country text COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES crm_party (tenant_id, id),
  CONSTRAINT crm_address_main_is_current CHECK (NOT main OR archived_at IS NULL));
CREATE UNIQUE INDEX crm_address_one_main ON crm_address (tenant_id, party_id) WHERE main;
CREATE INDEX ON crm_address (tenant_id, party_id, created_at, id);
CREATE INDEX ON crm_address (tenant_id, created_at, id);
CREATE INDEX ON crm_address (tenant_id, owner_id, created_at, id);
CREATE INDEX ON crm_address (tenant_id, city_fold, id);
SELECT app.protect('crm_address', 'crm.address', 'crm:party:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id', parent => 'party_id');

CREATE TABLE crm_contact (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  owner_id uuid, department_id uuid, company_id uuid,
  party_id uuid NOT NULL,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  position text COLLATE "C", email text COLLATE "C", phone text COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES crm_party (tenant_id, id));
CREATE INDEX ON crm_contact (tenant_id, party_id, created_at, id);
CREATE INDEX ON crm_contact (tenant_id, name, id);
CREATE INDEX ON crm_contact (tenant_id, owner_id, name, id);
CREATE INDEX ON crm_contact (tenant_id, created_at, id);
CREATE INDEX ON crm_contact (tenant_id, owner_id, created_at, id);
CREATE INDEX ON crm_contact (tenant_id, name_fold, id);
SELECT app.protect('crm_contact', 'crm.contact', 'crm:party:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id', parent => 'party_id');

CREATE TABLE crm_activity (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  owner_id uuid, department_id uuid, company_id uuid,
  party_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('call', 'meeting', 'mail', 'task')),
  subject text COLLATE "C" NOT NULL CHECK (subject <> ''),
  subject_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(subject)) STORED,
  due_date date NOT NULL,
  status text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'done')),
  done_at timestamptz,
  note text COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES crm_party (tenant_id, id),
  CONSTRAINT crm_activity_done_has_time CHECK ((status = 'done') = (done_at IS NOT NULL)));
CREATE INDEX ON crm_activity (tenant_id, party_id, due_date, id);
CREATE INDEX ON crm_activity (tenant_id, due_date, id);
CREATE INDEX ON crm_activity (tenant_id, owner_id, due_date, id);
CREATE INDEX ON crm_activity (tenant_id, created_at, id);
CREATE INDEX ON crm_activity (tenant_id, owner_id, created_at, id);
CREATE INDEX ON crm_activity (tenant_id, subject_fold, id);
SELECT app.protect('crm_activity', 'crm.activity', 'crm:activity:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id');

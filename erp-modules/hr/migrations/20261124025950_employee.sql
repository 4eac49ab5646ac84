-- One employment of one person. Whoever comes back has a new one, so a user may have several that ended.
CREATE TABLE hr_employee (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  user_id uuid NOT NULL, company_id uuid NOT NULL, department_id uuid,
  number text COLLATE "C" NOT NULL CHECK (number <> ''),
  number_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(number)) STORED,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  position text COLLATE "C" NOT NULL DEFAULT '',
  kind text COLLATE "C" NOT NULL DEFAULT 'full_time' CHECK (kind IN ('full_time', 'part_time', 'trainee', 'temporary')),
  status text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'ended')),
  hire_date date NOT NULL,
  -- The last day. The day before the first one stands for an employment that never began.
  end_date date,
  -- For a month, before deductions.
  salary numeric CHECK (salary >= 0),
  currency text COLLATE "C",
  salary_from date,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT hr_employee_end CHECK (end_date >= hire_date - 1),
  CONSTRAINT hr_employee_ended_has_day CHECK ((status = 'ended') = (end_date IS NOT NULL)),
  CONSTRAINT hr_employee_salary_whole CHECK ((salary IS NULL) = (currency IS NULL) AND (salary IS NULL) = (salary_from IS NULL)));
CREATE UNIQUE INDEX hr_employee_number ON hr_employee (tenant_id, number);
CREATE UNIQUE INDEX hr_employee_one_current ON hr_employee (tenant_id, user_id) WHERE status = 'active';
CREATE INDEX ON hr_employee (tenant_id, number, id);
CREATE INDEX ON hr_employee (tenant_id, user_id, number, id);
CREATE INDEX ON hr_employee (tenant_id, number_fold, id);
CREATE INDEX ON hr_employee (tenant_id, name, id);
CREATE INDEX ON hr_employee (tenant_id, user_id, name, id);
CREATE INDEX ON hr_employee (tenant_id, name_fold, id);
CREATE INDEX ON hr_employee (tenant_id, hire_date, id);
CREATE INDEX ON hr_employee (tenant_id, user_id, hire_date, id);
CREATE INDEX ON hr_employee (tenant_id, created_at, id);
CREATE INDEX ON hr_employee (tenant_id, user_id, created_at, id);
SELECT app.protect('hr_employee', 'hr.employee', 'hr:employee:read', owner_column => 'user_id', department_column => 'department_id', company_column => 'company_id');

-- Papers: the table of the module that the tests search.
CREATE TABLE archive_paper (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz, owner_id uuid, department_id uuid, company_id uuid,
  name text COLLATE "C" NOT NULL, name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED, keywords text, body text, appraisal text,
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON archive_paper (tenant_id, name_fold, id);
SELECT app.protect('archive_paper', 'archive.paper', 'archive:paper:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id');

-- Notes hang on papers, and those without a place are for everybody.
CREATE TABLE archive_note (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  owner_id uuid, subject_resource text, subject_id uuid, name text COLLATE "C" NOT NULL, body text,
  PRIMARY KEY (tenant_id, id));
SELECT app.protect('archive_note', 'archive.note', 'archive:note:read', owner_column => 'owner_id');
SELECT app.open_unplaced('archive_note', 'archive:note:read', 'owner_id');
SELECT app.open_own('archive_note', 'archive:note:read', 'owner_id');
SELECT app.hang('archive_note', 'subject_resource', 'subject_id');

CREATE TABLE documents_document (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  owner_id uuid, department_id uuid, company_id uuid,
  -- The record that it hangs on, of whatever resource.
  subject_resource text COLLATE "C", subject_id uuid,
  subject_text text COLLATE "C" GENERATED ALWAYS AS (subject_id::text) STORED,
  title text COLLATE "C" NOT NULL CHECK (title <> ''),
  title_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(title)) STORED,
  kind text COLLATE "C" NOT NULL DEFAULT 'note' CHECK (kind IN ('policy', 'contract', 'note', 'manual')),
  language text COLLATE "C" NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'de')),
  status text COLLATE "C" NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published')),
  published_at timestamptz,
  number bigint NOT NULL DEFAULT 1,
  body text COLLATE "C" NOT NULL CHECK (char_length(body) <= 200000),
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT documents_document_published_has_time CHECK ((status = 'published') = (published_at IS NOT NULL)));
CREATE INDEX ON documents_document (tenant_id, title, id);
CREATE INDEX ON documents_document (tenant_id, owner_id, title, id);
CREATE INDEX ON documents_document (tenant_id, title_fold, id);
CREATE INDEX ON documents_document (tenant_id, created_at, id);
CREATE INDEX ON documents_document (tenant_id, owner_id, created_at, id);
CREATE INDEX ON documents_document (tenant_id, subject_text) WHERE subject_text IS NOT NULL;
SELECT app.protect('documents_document', 'documents.document', 'documents:document:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id');
SELECT app.open_unplaced('documents_document', 'documents:document:read', 'owner_id', 'department_id', 'company_id');
SELECT app.hang('documents_document', 'subject_resource', 'subject_id');

-- The texts that a document had, one for each revision. Rows are added and never changed but for the copies of what places
-- them: a version lies where its document lies.
CREATE TABLE documents_version (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  owner_id uuid, department_id uuid, company_id uuid, subject_resource text COLLATE "C", subject_id uuid,
  document_id uuid NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  author_id uuid,
  note text COLLATE "C",
  body text COLLATE "C" NOT NULL CHECK (char_length(body) <= 200000),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES documents_document (tenant_id, id));
CREATE UNIQUE INDEX documents_version_number ON documents_version (tenant_id, document_id, number);
CREATE INDEX ON documents_version (tenant_id, number, id);
CREATE INDEX ON documents_version (tenant_id, owner_id, number, id);
CREATE INDEX ON documents_version (tenant_id, created_at, id);
CREATE INDEX ON documents_version (tenant_id, owner_id, created_at, id);
SELECT app.protect('documents_version', 'documents.version', 'documents:document:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id', parent => 'document_id');
SELECT app.open_unplaced('documents_version', 'documents:document:read', 'owner_id', 'department_id', 'company_id');
SELECT app.hang('documents_version', 'subject_resource', 'subject_id');
-- What was written once stays so.
REVOKE UPDATE, DELETE ON documents_version FROM steward_app;
GRANT UPDATE (owner_id, department_id, company_id, subject_resource, subject_id) ON documents_version TO steward_app;

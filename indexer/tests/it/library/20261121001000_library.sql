-- Books with pages: the tables of the module that the tests index.
CREATE TABLE library_book (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz, custom jsonb NOT NULL DEFAULT '{}', owner_id uuid, department_id uuid, company_id uuid,
  name text COLLATE "C" NOT NULL, author text, summary text, price_note text, appraisal text,
  PRIMARY KEY (tenant_id, id));
SELECT app.protect('library_book', 'library.book', 'library:book:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id');

-- A page carries copies of its book's scope columns.
CREATE TABLE library_page (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  book_id uuid NOT NULL, owner_id uuid, department_id uuid, company_id uuid, heading text NOT NULL, body text,
  PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, book_id) REFERENCES library_book (tenant_id, id) ON DELETE CASCADE);
SELECT app.protect('library_page', 'library.page', 'library:book:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id', parent => 'book_id');

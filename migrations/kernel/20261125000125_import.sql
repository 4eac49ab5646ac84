-- Imports over REST: one row for each, with how far it came and what it did. It belongs to whoever sent the file.
--
-- The key is the Idempotency-Key: who sends the same file with it again learns what became of it, or goes on where it was
-- cut off. A process that works on it renews its lease; when that has lapsed nobody works on it any more.
CREATE TABLE kernel_import (
  tenant_id uuid NOT NULL, id uuid NOT NULL, owner_id uuid NOT NULL, key text COLLATE "C", digest bytea NOT NULL,
  resource text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL, file text NOT NULL, dry_run boolean NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
  rows int NOT NULL, rows_done int NOT NULL DEFAULT 0, report jsonb NOT NULL, problem jsonb,
  runner uuid NOT NULL, lease_until timestamptz NOT NULL, created_at timestamptz NOT NULL, finished_at timestamptz, PRIMARY KEY (tenant_id, id));
CREATE UNIQUE INDEX ON kernel_import (tenant_id, owner_id, key) WHERE key IS NOT NULL;
CREATE INDEX ON kernel_import (tenant_id, created_at);
SELECT app.protect_kernel('kernel_import', 'SELECT, INSERT, UPDATE');
ALTER POLICY tenant ON kernel_import USING (tenant_id = (SELECT app.tenant()) AND owner_id = (SELECT app.actor())) WITH CHECK (tenant_id = (SELECT app.tenant()) AND owner_id = (SELECT app.actor()));

-- Which row an execution changed, from which version to which. Where its undo restores old values, it runs only while
-- that row is at the version that the execution left.
ALTER TABLE kernel_execution
  ADD COLUMN restores boolean NOT NULL DEFAULT false, ADD COLUMN changed_id uuid, ADD COLUMN version_before bigint, ADD COLUMN version_after bigint;
CREATE INDEX ON kernel_execution (tenant_id, changed_id) WHERE changed_id IS NOT NULL;

-- Until now some undos carried the version among their arguments. The owner sees the rows of all tenants while the wall is
-- not forced on him.
ALTER TABLE kernel_execution NO FORCE ROW LEVEL SECURITY;
UPDATE kernel_execution
   SET restores = true, changed_id = entity_id, version_after = (undo_input ->> 'expected_version')::bigint, undo_input = undo_input - 'expected_version'
 WHERE undo_input ? 'expected_version';
ALTER TABLE kernel_execution FORCE ROW LEVEL SECURITY;

-- Reading one's own writes: whether the text index of a generation has read what a transaction changed in the asker's tenant.
-- The functions run with the owner's rights, because cursors are the relay's; they tell nothing of other tenants.
--
-- A cursor is moved only past rows that are written to the index, and never past the horizon: whatever of the transaction
-- lies behind it is still to be read.
CREATE FUNCTION rag.is_indexed(generation bigint, write xid8) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
  RETURN EXISTS (SELECT FROM kernel.outbox_cursor c WHERE c.consumer = 'indexer:text:' || generation
                    AND NOT EXISTS (SELECT FROM kernel.outbox o WHERE o.xid = write AND o.tenant_id = app.tenant() AND (o.xid, o.ordinal) > (c.xid, c.ordinal)));
REVOKE ALL ON FUNCTION rag.is_indexed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rag.is_indexed TO steward_app;

-- Proposals go with their conversation: what was not executed entirely, what was executed up to what the audit needs.
GRANT DELETE ON assistant_proposal TO steward_app;
CREATE INDEX ON assistant_proposal (tenant_id, conversation_id) WHERE conversation_id IS NOT NULL;

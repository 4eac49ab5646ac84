-- Who writes a document reads it, at whatever width he reads others.
SELECT app.open_own('documents_document', 'documents:document:read', 'owner_id');
SELECT app.open_own('documents_version', 'documents:document:read', 'owner_id');

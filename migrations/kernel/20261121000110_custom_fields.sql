-- The tenant's own fields as part of its catalogue. Everybody who works in the tenant needs them, whether or not he may
-- see the list of custom fields itself, so they are read with the owner's rights, within the tenant of the unit of work.
CREATE FUNCTION kernel_custom_fields()
RETURNS TABLE (tenant_id uuid, resource text, name text, kind text, choices text[], required boolean, label text, label_de text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
BEGIN ATOMIC
  SELECT f.tenant_id, f.resource, f.name, f.kind, f.choices, f.required, f.label, f.label_de FROM kernel_custom_field f
   WHERE f.tenant_id = app.tenant() AND f.archived_at IS NULL
   ORDER BY f.resource, f.position, f.name;
END;
REVOKE ALL ON FUNCTION kernel_custom_fields FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kernel_custom_fields TO steward_app;

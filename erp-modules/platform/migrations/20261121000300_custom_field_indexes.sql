-- The screens list custom fields by time, by resource and by name; the table itself is the kernel's.
CREATE INDEX ON kernel_custom_field (tenant_id, created_at, id);
CREATE INDEX ON kernel_custom_field (tenant_id, name, id);
CREATE INDEX ON kernel_custom_field (tenant_id, resource, id);

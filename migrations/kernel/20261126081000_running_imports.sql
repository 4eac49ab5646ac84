-- Whether somebody has a running import is asked before each file is looked into.
CREATE INDEX ON kernel_import (tenant_id, owner_id) WHERE state = 'running';

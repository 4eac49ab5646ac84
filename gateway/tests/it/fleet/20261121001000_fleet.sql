-- Vehicles: the table of the example module.
CREATE TABLE fleet_vehicle (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz, custom jsonb NOT NULL DEFAULT '{}',
  owner_id uuid NOT NULL,
  plate text COLLATE "C" NOT NULL CHECK (plate <> ''),
  plate_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(plate)) STORED,
  status text COLLATE "C" NOT NULL DEFAULT 'ready' CHECK (status IN ('ready', 'in_repair')),
  mileage bigint NOT NULL DEFAULT 0 CHECK (mileage >= 0),
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT fleet_vehicle_plate UNIQUE (tenant_id, plate));
CREATE INDEX ON fleet_vehicle (tenant_id, plate, id);
CREATE INDEX ON fleet_vehicle (tenant_id, owner_id, plate, id);
CREATE INDEX ON fleet_vehicle (tenant_id, plate_fold, id);
CREATE INDEX ON fleet_vehicle (tenant_id, created_at, id);
CREATE INDEX ON fleet_vehicle (tenant_id, owner_id, created_at, id);
SELECT app.protect('fleet_vehicle', 'fleet.vehicle', 'fleet:vehicle:read', owner_column => 'owner_id');

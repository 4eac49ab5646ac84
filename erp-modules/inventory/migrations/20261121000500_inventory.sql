-- Items, warehouses, stock, its moves and its reservations.

CREATE TABLE inventory_category (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  description text COLLATE "C",
  PRIMARY KEY (tenant_id, id));
CREATE UNIQUE INDEX inventory_category_name ON inventory_category (tenant_id, name_fold) WHERE archived_at IS NULL;
CREATE INDEX ON inventory_category (tenant_id, name, id);
CREATE INDEX ON inventory_category (tenant_id, created_at, id);
CREATE INDEX ON inventory_category (tenant_id, name_fold, id);
SELECT app.protect('inventory_category', 'inventory.category', 'inventory:category:read');

CREATE TABLE inventory_item (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz, custom jsonb NOT NULL DEFAULT '{}',
  code text COLLATE "C" CHECK (code <> ''),
  code_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(code)) STORED,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  category_id uuid,
  unit text COLLATE "C" NOT NULL DEFAULT 'pcs' CHECK (unit <> ''),
  package text COLLATE "C",
  supplier_id uuid,
  sales_price numeric(19, 4) NOT NULL CHECK (sales_price >= 0),
  sales_price_sort bigint GENERATED ALWAYS AS ((round(sales_price, 4) * 10000)::bigint) STORED,
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  reorder_level numeric(19, 4) NOT NULL DEFAULT 0 CHECK (reorder_level >= 0),
  discontinued boolean NOT NULL DEFAULT false,
  note text COLLATE "C",
  -- Sums over the warehouses, written in the transaction that writes the stock. Whoever writes stock locks the item first.
  on_hand numeric(19, 4) NOT NULL DEFAULT 0,
  on_hand_sort bigint GENERATED ALWAYS AS ((round(on_hand, 4) * 10000)::bigint) STORED,
  reserved numeric(19, 4) NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  on_order numeric(19, 4) NOT NULL DEFAULT 0 CHECK (on_order >= 0),
  available numeric GENERATED ALWAYS AS (on_hand - reserved) STORED,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, category_id) REFERENCES inventory_category (tenant_id, id));
CREATE UNIQUE INDEX inventory_item_code ON inventory_item (tenant_id, code) WHERE code IS NOT NULL;
CREATE INDEX ON inventory_item (tenant_id, name, id);
CREATE INDEX ON inventory_item (tenant_id, created_at, id);
CREATE INDEX ON inventory_item (tenant_id, name_fold, id);
CREATE INDEX ON inventory_item (tenant_id, code_fold, id);
CREATE INDEX ON inventory_item (tenant_id, sales_price_sort, id);
CREATE INDEX ON inventory_item (tenant_id, on_hand_sort, id);
CREATE INDEX ON inventory_item (tenant_id, category_id, id);
CREATE INDEX ON inventory_item (tenant_id, supplier_id, id);
SELECT app.protect('inventory_item', 'inventory.item', 'inventory:item:read');

CREATE TABLE inventory_warehouse (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  code text COLLATE "C" NOT NULL CHECK (code <> ''),
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  name_fold text COLLATE "C" GENERATED ALWAYS AS (app.fold(name)) STORED,
  company_id uuid,
  negative_stock text COLLATE "C" NOT NULL DEFAULT 'deny' CHECK (negative_stock IN ('deny', 'allow')),
  PRIMARY KEY (tenant_id, id));
CREATE UNIQUE INDEX inventory_warehouse_code ON inventory_warehouse (tenant_id, code);
CREATE INDEX ON inventory_warehouse (tenant_id, code, id);
CREATE INDEX ON inventory_warehouse (tenant_id, name, id);
CREATE INDEX ON inventory_warehouse (tenant_id, created_at, id);
CREATE INDEX ON inventory_warehouse (tenant_id, name_fold, id);
SELECT app.protect('inventory_warehouse', 'inventory.warehouse', 'inventory:warehouse:read', company_column => 'company_id');

-- One row for each item and warehouse. `unit` and `company_id` are copies, so that a row reads alone.
CREATE TABLE inventory_stock (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  item_id uuid NOT NULL, warehouse_id uuid NOT NULL, company_id uuid,
  unit text COLLATE "C" NOT NULL,
  on_hand numeric(19, 4) NOT NULL DEFAULT 0,
  reserved numeric(19, 4) NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  on_order numeric(19, 4) NOT NULL DEFAULT 0 CHECK (on_order >= 0),
  available numeric GENERATED ALWAYS AS (on_hand - reserved) STORED,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT inventory_stock_one_for_each UNIQUE (tenant_id, item_id, warehouse_id),
  FOREIGN KEY (tenant_id, item_id) REFERENCES inventory_item (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES inventory_warehouse (tenant_id, id));
CREATE INDEX ON inventory_stock (tenant_id, warehouse_id, item_id);
CREATE INDEX ON inventory_stock (tenant_id, created_at, id);
SELECT app.protect('inventory_stock', 'inventory.stock', 'inventory:stock:read', company_column => 'company_id');

-- What came in and went out. Rows are never changed nor deleted: a mistake is taken back by another move.
CREATE TABLE inventory_move (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  item_id uuid NOT NULL, warehouse_id uuid NOT NULL, company_id uuid,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('receipt', 'issue', 'adjustment', 'opening')),
  quantity numeric(19, 4) NOT NULL CHECK (quantity <> 0),
  unit text COLLATE "C" NOT NULL,
  date date NOT NULL,
  reference text COLLATE "C",
  document_resource text COLLATE "C", document_id text COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, item_id) REFERENCES inventory_item (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES inventory_warehouse (tenant_id, id),
  CONSTRAINT inventory_move_has_its_sign CHECK (CASE kind WHEN 'receipt' THEN quantity > 0 WHEN 'issue' THEN quantity < 0 ELSE true END));
CREATE INDEX ON inventory_move (tenant_id, item_id, warehouse_id, date);
CREATE INDEX ON inventory_move (tenant_id, date, id);
CREATE INDEX ON inventory_move (tenant_id, created_at, id);
CREATE INDEX ON inventory_move (tenant_id, document_id) WHERE document_id IS NOT NULL;
SELECT app.protect('inventory_move', 'inventory.move', 'inventory:move:read', company_column => 'company_id');

CREATE FUNCTION inventory_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a stock move is never changed nor deleted' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_move FOR EACH ROW EXECUTE FUNCTION inventory_refuse_change();
REVOKE UPDATE, DELETE ON inventory_move FROM steward_app;

CREATE TABLE inventory_reservation (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  item_id uuid NOT NULL, warehouse_id uuid NOT NULL, company_id uuid,
  quantity numeric(19, 4) NOT NULL CHECK (quantity > 0),
  unit text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'released', 'fulfilled')),
  document_resource text COLLATE "C", document_id text COLLATE "C", line text COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, item_id) REFERENCES inventory_item (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES inventory_warehouse (tenant_id, id));
CREATE INDEX ON inventory_reservation (tenant_id, document_id, document_resource) WHERE status = 'active';
CREATE INDEX ON inventory_reservation (tenant_id, item_id, warehouse_id) WHERE status = 'active';
CREATE INDEX ON inventory_reservation (tenant_id, created_at, id);
SELECT app.protect('inventory_reservation', 'inventory.reservation', 'inventory:reservation:read', company_column => 'company_id');

-- What does not add up, for the tenant of the transaction; empty when all is well. Tests and reconciliation run it.
CREATE FUNCTION inventory_check() RETURNS TABLE (what text, item_id uuid, warehouse_id uuid, expected numeric, actual numeric)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  WITH moved AS (SELECT m.item_id, m.warehouse_id, sum(m.quantity) AS quantity FROM inventory_move m WHERE m.tenant_id = app.tenant() GROUP BY 1, 2),
       held AS (SELECT r.item_id, r.warehouse_id, sum(r.quantity) AS quantity FROM inventory_reservation r WHERE r.tenant_id = app.tenant() AND r.status = 'active' GROUP BY 1, 2),
       stock AS (SELECT s.item_id, s.warehouse_id, s.on_hand, s.reserved, s.on_order FROM inventory_stock s WHERE s.tenant_id = app.tenant()),
       summed AS (SELECT s.item_id, sum(s.on_hand) AS on_hand, sum(s.reserved) AS reserved, sum(s.on_order) AS on_order FROM stock s GROUP BY 1)
  SELECT 'stock on hand is the sum of its moves', item_id, warehouse_id, coalesce(m.quantity, 0), coalesce(s.on_hand, 0)
    FROM stock s FULL JOIN moved m USING (item_id, warehouse_id) WHERE coalesce(m.quantity, 0) <> coalesce(s.on_hand, 0)
  UNION ALL
  SELECT 'reserved stock is the sum of its active reservations', item_id, warehouse_id, coalesce(h.quantity, 0), coalesce(s.reserved, 0)
    FROM stock s FULL JOIN held h USING (item_id, warehouse_id) WHERE coalesce(h.quantity, 0) <> coalesce(s.reserved, 0)
  UNION ALL
  SELECT v.what, i.id, NULL, v.expected, v.actual
    FROM inventory_item i LEFT JOIN summed s ON s.item_id = i.id,
         LATERAL (VALUES ('an item''s stock on hand is the sum over the warehouses', coalesce(s.on_hand, 0), i.on_hand),
                         ('an item''s reserved stock is the sum over the warehouses', coalesce(s.reserved, 0), i.reserved),
                         ('what is on order of an item is the sum over the warehouses', coalesce(s.on_order, 0), i.on_order)) AS v (what, expected, actual)
   WHERE i.tenant_id = app.tenant() AND v.expected <> v.actual
$$;

-- Sales orders with their lines, and a read model by customer.

CREATE TABLE sales_order (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  number text COLLATE "C" NOT NULL CHECK (number <> ''),
  customer_id uuid NOT NULL,
  status text COLLATE "C" NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'quotation', 'confirmed', 'processing', 'done', 'cancelled')),
  order_date date NOT NULL,
  required_date date,
  shipped_date date,
  completed_date date,
  confirmed_at timestamptz,
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  owner_id uuid NOT NULL,
  department_id uuid,
  company_id uuid NOT NULL,
  reference text COLLATE "C",
  ship_via text COLLATE "C",
  freight numeric NOT NULL DEFAULT 0 CHECK (freight >= 0),
  ship_name text COLLATE "C",
  ship_street text COLLATE "C",
  ship_city text COLLATE "C",
  ship_region text COLLATE "C",
  ship_postal_code text COLLATE "C",
  ship_country text COLLATE "C",
  note text,
  -- The exact sum of the lines' amounts; rounded only where it is shown.
  net_total numeric NOT NULL DEFAULT 0,
  total_sort bigint NOT NULL GENERATED ALWAYS AS ((round(net_total, 4) * 10000)::bigint) STORED,
  line_count int NOT NULL DEFAULT 0,
  backordered boolean NOT NULL DEFAULT false,
  cancel_reason text,
  -- Where reopening a cancelled order leads back to.
  cancelled_from text COLLATE "C",
  custom jsonb NOT NULL DEFAULT '{}',
  number_fold text COLLATE "C" NOT NULL GENERATED ALWAYS AS (app.fold(number)) STORED,
  PRIMARY KEY (tenant_id, id),
  CHECK ((status = 'cancelled') = (cancelled_from IS NOT NULL)),
  UNIQUE (tenant_id, company_id, number));
CREATE INDEX ON sales_order (tenant_id, created_at, id);
CREATE INDEX ON sales_order (tenant_id, owner_id, created_at, id);
CREATE INDEX ON sales_order (tenant_id, number, id);
CREATE INDEX ON sales_order (tenant_id, owner_id, number, id);
CREATE INDEX ON sales_order (tenant_id, order_date, id);
CREATE INDEX ON sales_order (tenant_id, owner_id, order_date, id);
CREATE INDEX ON sales_order (tenant_id, total_sort, id);
CREATE INDEX ON sales_order (tenant_id, owner_id, total_sort, id);
CREATE INDEX ON sales_order (tenant_id, number_fold, id);
CREATE INDEX ON sales_order (tenant_id, status, order_date, id);
-- Orders of a customer: the read model's recomputation and the credit check.
CREATE INDEX ON sales_order (tenant_id, customer_id, order_date, id);
-- The duplicate guard's question.
CREATE INDEX ON sales_order (tenant_id, customer_id, reference) WHERE reference IS NOT NULL;
SELECT app.protect('sales_order', 'sales.order', 'sales:order:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id');

CREATE TABLE sales_line (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  order_id uuid NOT NULL,
  position int NOT NULL CHECK (position > 0),
  item_id uuid NOT NULL,
  description text COLLATE "C" NOT NULL DEFAULT '',
  quantity numeric NOT NULL CHECK (quantity > 0),
  unit text COLLATE "C" NOT NULL DEFAULT '',
  unit_price numeric NOT NULL CHECK (unit_price >= 0),
  discount numeric NOT NULL DEFAULT 0 CHECK (discount BETWEEN 0 AND 1),
  -- Never rounded: numeric products are exact.
  amount numeric NOT NULL GENERATED ALWAYS AS (unit_price * quantity * (1 - discount)) STORED,
  currency text COLLATE "C" NOT NULL,
  reserved numeric NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  backordered numeric NOT NULL DEFAULT 0 CHECK (backordered >= 0),
  -- Copies of the order's columns, so that its lines are in the same scope.
  owner_id uuid NOT NULL,
  department_id uuid,
  company_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order,
  -- Lines of an order in their order.
  UNIQUE (tenant_id, order_id, position));
CREATE INDEX ON sales_line (tenant_id, created_at, id);
CREATE INDEX ON sales_line (tenant_id, owner_id, created_at, id);
CREATE INDEX ON sales_line (tenant_id, position, id);
CREATE INDEX ON sales_line (tenant_id, owner_id, position, id);
CREATE INDEX ON sales_line (tenant_id, item_id, id);
SELECT app.protect('sales_line', 'sales.line', 'sales:order:read', owner_column => 'owner_id', department_column => 'department_id', company_column => 'company_id', parent => 'order_id');

-- The order's totals and the lines' copies agree at every commit, whoever wrote.
CREATE FUNCTION sales_check_order() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  wanted uuid := CASE WHEN TG_TABLE_NAME = 'sales_order' THEN (to_jsonb(NEW) ->> 'id')::uuid
                      WHEN TG_OP = 'DELETE' THEN (to_jsonb(OLD) ->> 'order_id')::uuid ELSE (to_jsonb(NEW) ->> 'order_id')::uuid END;
  tenant uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
  head record; sums record;
BEGIN
  SELECT o.net_total, o.line_count, o.currency, o.owner_id, o.department_id, o.company_id INTO head FROM sales_order o WHERE o.tenant_id = tenant AND o.id = wanted;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT coalesce(sum(l.amount), 0) AS total, count(*) AS lines,
         coalesce(bool_and(l.currency = head.currency AND l.owner_id = head.owner_id AND l.company_id = head.company_id
                           AND l.department_id IS NOT DISTINCT FROM head.department_id), true) AS in_step
    INTO sums FROM sales_line l WHERE l.tenant_id = tenant AND l.order_id = wanted;
  IF sums.total <> head.net_total OR sums.lines <> head.line_count OR NOT sums.in_step THEN
    RAISE EXCEPTION 'the totals of sales order % do not agree with its lines', wanted USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER check_total AFTER INSERT OR UPDATE OF net_total, line_count, currency, owner_id, department_id, company_id ON sales_order
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sales_check_order();
-- Lines are checked too, so that nobody changes them behind the order's back.
CREATE CONSTRAINT TRIGGER check_total AFTER INSERT OR DELETE OR UPDATE OF quantity, unit_price, discount, currency, order_id, owner_id, department_id, company_id ON sales_line
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sales_check_order();

-- What each customer ordered, kept by a subscription to the orders' events. Without an owner: at tenant width only.
CREATE TABLE sales_customer_summary (
  tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  customer_id uuid NOT NULL,
  currency text COLLATE "C" NOT NULL,
  orders bigint NOT NULL,
  open_orders bigint NOT NULL,
  first_order_date date,
  last_order_date date,
  revenue numeric NOT NULL,
  revenue_sort bigint NOT NULL GENERATED ALWAYS AS ((round(revenue, 4) * 10000)::bigint) STORED,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, customer_id, currency));
CREATE INDEX ON sales_customer_summary (tenant_id, created_at, id);
CREATE INDEX ON sales_customer_summary (tenant_id, orders, id);
CREATE INDEX ON sales_customer_summary (tenant_id, open_orders, id);
CREATE INDEX ON sales_customer_summary (tenant_id, revenue_sort, id);
SELECT app.protect('sales_customer_summary', 'sales.customer_summary', 'sales:order:read');

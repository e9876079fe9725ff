-- A schema as they are found: everything that a table may be, once.
CREATE SCHEMA "Sales Dept";
CREATE TYPE "Sales Dept".order_state AS ENUM ('new', 'paid', 'it''s sent', 'gone "back"');
CREATE TYPE "Sales Dept".mood AS ENUM ('sad', 'ok');
CREATE DOMAIN "Sales Dept".positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN "Sales Dept".code AS varchar(8) NOT NULL CHECK (char_length(VALUE) >= 2);
CREATE TYPE "Sales Dept".point3 AS (x int, y int, z int);

CREATE TABLE "Sales Dept"."Customer" (
    "CustomerId" integer PRIMARY KEY,
    "FirstName" varchar(40) NOT NULL,
    "contactAddress" text,
    "reachUs" text,
    "valid_from" date
);
COMMENT ON TABLE "Sales Dept"."Customer" IS 'Who buys.';
COMMENT ON COLUMN "Sales Dept"."Customer"."valid_from" IS 'Since when.';
INSERT INTO "Sales Dept"."Customer"
SELECT n, 'First' || n, 'Street ' || n, 'who' || n || '@example.com', date '2020-01-01' + n
FROM generate_series(1, 50) AS n;

-- large on purpose: no snapshot may take it
CREATE TABLE "Sales Dept"."order" (
    "user" integer NOT NULL REFERENCES "Sales Dept"."Customer",
    "table" integer NOT NULL,
    "select" "Sales Dept".order_state NOT NULL DEFAULT 'new',
    status text CHECK (status IN ('open', 'closed')),
    amount numeric(10, 2) NOT NULL CHECK (amount >= 0 AND amount < 100000),
    discount integer CHECK (discount > 0),
    odd integer CHECK (odd % 2 = 1),
    tags text[],
    moods "Sales Dept".mood[],
    total numeric(12, 2) GENERATED ALWAYS AS (amount * 2) STORED,
    place "Sales Dept".point3,
    pieces "Sales Dept".positive,
    label "Sales Dept".code,
    free numeric,
    channel text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY ("user", "table")
);
INSERT INTO "Sales Dept"."order" ("user", "table", status, amount, pieces, label, channel)
SELECT n % 50 + 1, n, CASE n % 3 WHEN 0 THEN 'open' WHEN 1 THEN 'closed' END, n % 1000, n,
    'L' || n % 7, 'by ' || n % 4
FROM generate_series(1, 150000) AS n;

CREATE TABLE "Sales Dept".no_time (
    id bigint PRIMARY KEY,
    modified timestamp NOT NULL DEFAULT now(),
    padding text
);
INSERT INTO "Sales Dept".no_time SELECT n, now(), 'x' FROM generate_series(1, 120000) AS n;

CREATE TABLE "Sales Dept".kept (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    amount real,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION "Sales Dept".stamp() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.last_update = CURRENT_TIMESTAMP; RETURN NEW; END';
CREATE TRIGGER stamped BEFORE UPDATE ON "Sales Dept".kept
    FOR EACH ROW EXECUTE FUNCTION "Sales Dept".stamp();
CREATE INDEX kept_changed ON "Sales Dept".kept (last_update);

CREATE TABLE "Sales Dept".events (
    id bigint NOT NULL, at date NOT NULL, body jsonb, PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE "Sales Dept".events_a PARTITION OF "Sales Dept".events
    FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE "Sales Dept".events_b PARTITION OF "Sales Dept".events DEFAULT;
INSERT INTO "Sales Dept".events
SELECT n, date '2026-01-15' + n % 60, '{}' FROM generate_series(1, 200) AS n;

CREATE TABLE "Sales Dept".keyless (name text, at timestamptz);
CREATE TABLE "Sales Dept".nearly (code text, name text);
CREATE UNIQUE INDEX nearly_code ON "Sales Dept".nearly (code);
CREATE TABLE "Sales Dept".by_index (code text NOT NULL, twin text NOT NULL);
CREATE UNIQUE INDEX by_index_code ON "Sales Dept".by_index (code);
CREATE UNIQUE INDEX by_index_twin ON "Sales Dept".by_index (twin) WHERE twin <> '';

CREATE TABLE public.kept (id integer PRIMARY KEY);
CREATE TABLE "Sales Dept"."Größe Ω" ("Größe" integer PRIMARY KEY, "Ω" text, "a-b" text, "a b" text);

CREATE VIEW "Sales Dept".open_orders AS
    SELECT "user", "table", amount FROM "Sales Dept"."order" WHERE status = 'open';
CREATE VIEW "Sales Dept".customer_names AS
    SELECT "CustomerId" AS customer_id, "FirstName" FROM "Sales Dept"."Customer";
CREATE MATERIALIZED VIEW "Sales Dept".customer_count AS
    SELECT count(*) AS customers FROM "Sales Dept"."Customer";

DO $$ BEGIN
    EXECUTE (
        SELECT 'CREATE TABLE "Sales Dept".wide (id integer PRIMARY KEY, '
            || string_agg(format('c%s integer', n), ', ') || ')'
        FROM generate_series(1, 299) AS n
    );
END $$;
INSERT INTO "Sales Dept".wide (id, c1) SELECT n, n FROM generate_series(1, 30) AS n;
ANALYZE;

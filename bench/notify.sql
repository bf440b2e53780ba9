-- The transactions of the tutorials, with a status, and what changes it.

CREATE TABLE transactions (
    transaction_id varchar(255) PRIMARY KEY,
    user_id        varchar(255),
    "timestamp"    timestamp,
    amount         numeric(18, 2),
    currency       varchar(255),
    city           varchar(255),
    merchant_name  varchar(255),
    payment_method varchar(255),
    ip_address     varchar(255),
    channel        varchar(255) NOT NULL,
    status         varchar(255) NOT NULL
);

-- Whoever tells of a status wants to know the old one.
ALTER TABLE transactions REPLICA IDENTITY FULL;

CREATE PUBLICATION bench FOR TABLE transactions;

CREATE FUNCTION id_of(number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'TX' || lpad(number::text, 8, '0')
$$;

CREATE PROCEDURE fill(row_count bigint) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE transactions;
    INSERT INTO transactions
    SELECT id_of(n), 'user-' || n % 5000, timestamp '2024-02-29 12:34:56' + n * interval '1 second', (n * 7919 % 100000)::numeric / 100,
           CASE n % 2 WHEN 0 THEN 'USD' ELSE 'GBP' END, 'São Paulo', 'Café Müller & Söhne ' || n % 100, 'credit_card',
           '10.0.0.7', '', 'PENDING'
    FROM generate_series(1, row_count) AS n;
END
$$;

-- Transactions of one row at a steady pace, each row once and from the `first` on, told to `channels` channels in turn. Pauses are aimed at the next
-- due time, so that a late one does not slow down the rest.
CREATE PROCEDURE fail_at_rate(first int, per_second int, seconds int, channels int) LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz := clock_timestamp();
    due     double precision;
BEGIN
    FOR n IN 0 .. per_second::bigint * seconds - 1 LOOP
        due := n::double precision / per_second - extract(epoch FROM clock_timestamp() - started);
        IF due > 0 THEN
            PERFORM pg_sleep(due);
        END IF;
        UPDATE transactions SET status = 'FAILED_' || n % channels, channel = 'C' || n % channels
        WHERE transaction_id = id_of(first + n);
        COMMIT;
    END LOOP;
END
$$;

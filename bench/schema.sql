-- The table that is measured, and what writes to it. Every function takes its sizes as arguments.

CREATE TABLE transactions (
    transaction_id uuid PRIMARY KEY,
    account_id     bigint NOT NULL,
    user_name      varchar(64) NOT NULL,
    amount         numeric(18, 4) NOT NULL,
    currency       char(3) NOT NULL,
    merchant_name  text NOT NULL,
    payment_method varchar(32) NOT NULL,
    city           text,
    ip_address     inet,
    voucher_code   text,
    status         text NOT NULL,
    created_at     timestamptz NOT NULL,
    modified_at    timestamp
);

CREATE PUBLICATION bench FOR TABLE transactions;

CREATE FUNCTION key_of(number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(number::text)::uuid
$$;

CREATE PROCEDURE insert_rows(low bigint, high bigint) LANGUAGE sql AS $$
    INSERT INTO transactions
    SELECT key_of(n), 1000000 + n % 50000, 'user-' || n % 50000, (n * 7919 % 10000000)::numeric / 10000,
           CASE n % 3 WHEN 0 THEN 'EUR' WHEN 1 THEN 'USD' ELSE 'GBP' END,
           'Café Müller & Söhne ' || n % 100, 'credit_card', CASE n % 4 WHEN 0 THEN NULL ELSE 'São Paulo' END,
           ('10.' || n % 200 || '.' || n % 250 || '.7')::inet, CASE n % 10 WHEN 0 THEN 'DISCOUNT10' END, 'PENDING',
           timestamptz '2024-02-29 12:34:56.789012+00' + n * interval '1 second', NULL
    FROM generate_series(low, high) AS n
$$;

CREATE PROCEDURE fill(row_count bigint) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE transactions;
    CALL insert_rows(1, row_count);
END
$$;

CREATE PROCEDURE insert_in_batches(row_count bigint, batch bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR low IN 1 .. row_count BY batch LOOP
        CALL insert_rows(low, least(low + batch - 1, row_count));
        COMMIT;
    END LOOP;
END
$$;

CREATE PROCEDURE update_one_by_one(row_count bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. row_count LOOP
        UPDATE transactions SET status = 'CAPTURED', modified_at = clock_timestamp() AT TIME ZONE 'UTC'
        WHERE transaction_id = key_of(n);
        COMMIT;
    END LOOP;
END
$$;

CREATE PROCEDURE update_all() LANGUAGE sql AS $$
    UPDATE transactions SET status = 'SETTLED', modified_at = clock_timestamp() AT TIME ZONE 'UTC'
$$;

-- Transactions of one row at a steady pace; the rows of `fill(row_count)` in turn. Pauses are aimed at the next due time,
-- so that a late one does not slow down the rest.
CREATE PROCEDURE update_at_rate(per_second int, seconds int, row_count bigint) LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz := clock_timestamp();
    due     double precision;
BEGIN
    FOR n IN 0 .. per_second::bigint * seconds - 1 LOOP
        due := n::double precision / per_second - extract(epoch FROM clock_timestamp() - started);
        IF due > 0 THEN
            PERFORM pg_sleep(due);
        END IF;
        UPDATE transactions SET status = 'CAPTURED', modified_at = clock_timestamp() AT TIME ZONE 'UTC'
        WHERE transaction_id = key_of(1 + n % row_count);
        COMMIT;
    END LOOP;
END
$$;

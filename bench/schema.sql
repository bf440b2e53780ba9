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

CREATE TYPE mood AS ENUM ('calm', 'busy', 'closed');

-- One column of every kind that is common.
CREATE TABLE wide (
    id              bigint PRIMARY KEY,
    small           smallint,
    whole           integer,
    big             bigint,
    flag            boolean,
    single          real,
    double          double precision,
    price           numeric(12, 2),
    exact           numeric(38, 10),
    free            numeric,
    cash            money,
    code            char(8),
    name            varchar(40),
    note            text,
    document        json,
    settings        jsonb,
    markup          xml,
    token           uuid,
    payload         bytea,
    day             date,
    clock           time,
    clock_ms        time(3),
    clock_zone      timetz,
    at              timestamp,
    at_ms           timestamp(3),
    at_zone         timestamptz,
    lasts           interval,
    host            inet,
    net             cidr,
    card            macaddr,
    bit_flag        bit(1),
    bit_mask        bit(12),
    bits            varbit(20),
    state           mood,
    numbers         integer[],
    words           text[],
    tokens          uuid[],
    range_whole     int4range,
    range_time      tstzrange,
    place           point,
    empty           text
);

CREATE PUBLICATION bench FOR TABLE transactions, wide;

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

CREATE PROCEDURE insert_wide_in_batches(row_count bigint, batch bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR low IN 1 .. row_count BY batch LOOP
        INSERT INTO wide
        SELECT n, n % 30000, n * 7, n * 1000003, n % 2 = 0, n * 0.25, n / 7.0, (n * 7919 % 10000000)::numeric / 100, n * 12345.6789012345, n / 3.0,
               (n % 1000)::numeric::money, 'CODE' || n % 1000, 'Müller & Söhne ' || n % 100, repeat('A quiet note. ', 8),
               json_build_object('channel', 'pos', 'terminal', n), jsonb_build_object('retries', n % 5, 'tags', '["a", "b"]'::jsonb),
               xmlparse(content '<tx><n>' || n || '</n></tx>'), key_of(n), decode(md5(n::text), 'hex'),
               date '2024-02-29' + (n % 1000)::int, time '00:00' + n * interval '1 second', time '12:34:56.789', timetz '12:34:56.789+02',
               timestamp '2024-02-29 12:34:56.789012' + n * interval '1 second', timestamp '2024-02-29 12:34:56.789',
               timestamptz '2024-02-29 12:34:56.789012+00' + n * interval '1 second', n % 100 * interval '1 day 2 hours',
               ('10.' || n % 200 || '.' || n % 250 || '.7')::inet, '192.168.0.0/16', '08:00:2b:01:02:03', (n % 2)::int::bit(1),
               (n % 4096)::int::bit(12), B'1011001', (ARRAY['calm', 'busy', 'closed']::mood[])[1 + n % 3],
               ARRAY[n, n + 1, n + 2]::integer[], ARRAY['one', 'two, or so', 'three'], ARRAY[key_of(n), key_of(n + 1)],
               int4range(1, (n % 1000)::int + 2), tstzrange('2024-02-29 12:00+00', '2024-03-01 12:00+00'), point(n, n / 2.0), NULL
        FROM generate_series(low, least(low + batch - 1, row_count)) AS n;
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

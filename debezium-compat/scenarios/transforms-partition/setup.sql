CREATE TABLE p (id int PRIMARY KEY, s text, n numeric(8,2), big bigint, f float8, r real, ok boolean, d date, ts timestamptz, a text[], b bytea, sm smallint, u uuid);
ALTER TABLE p REPLICA IDENTITY FULL;
INSERT INTO p SELECT i, 'größe-' || repeat(chr(8364), i) || i, i * 1.25 - 9, i::bigint << 33, i / 3.0, -i / 7.0, i % 2 = 0, date '2024-01-01' + i, timestamptz '2024-01-01 00:00+00' + i * interval '1 day', ARRAY['a', NULL, i::text], decode(lpad(to_hex(i * 37), 6, '0'), 'hex'), -i, NULL FROM generate_series(1, 20) i;

-- Big values are stored out of line and are not in the WAL when an update leaves them alone.
CREATE FUNCTION big(seed text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT string_agg(md5(seed || n), '') FROM generate_series(1, 400) n $$;
CREATE TABLE by_key (
    id int PRIMARY KEY, small text, t text, v varchar, by bytea, j json, jb jsonb, x xml, at text[], ai int[], ai8 bigint[], au uuid[]
);
CREATE TABLE in_full (LIKE by_key INCLUDING ALL);
ALTER TABLE in_full REPLICA IDENTITY FULL;
CREATE TABLE with_not_null (id int PRIMARY KEY, small text, t text NOT NULL, t_default text NOT NULL DEFAULT 'short');
INSERT INTO by_key
    SELECT n, 'a', big('t' || n), big('v' || n), convert_to(big('b' || n), 'UTF8'), to_json(big('j' || n)), jsonb_build_object('k', big('jb' || n)),
        xmlelement(name a, big('x' || n)), ARRAY[big('e1' || n), big('e2' || n)], (SELECT array_agg(i * n) FROM generate_series(1, 3000) i),
        (SELECT array_agg(i::bigint * n) FROM generate_series(1, 3000) i), (SELECT array_agg(md5(n || '-' || i)::uuid) FROM generate_series(1, 600) i)
    FROM generate_series(1, 2) n;
ALTER TABLE by_key ALTER ai SET STORAGE external, ALTER ai8 SET STORAGE external, ALTER au SET STORAGE external;
ALTER TABLE in_full ALTER ai SET STORAGE external, ALTER ai8 SET STORAGE external, ALTER au SET STORAGE external;
UPDATE by_key SET ai = ai || 1, ai8 = ai8 || 1::bigint, au = au || md5('another')::uuid;
INSERT INTO in_full SELECT * FROM by_key;
INSERT INTO with_not_null SELECT id, 'a', t, t FROM by_key;

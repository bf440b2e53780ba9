-- One big value of every type that can be stored out of line; an update of another column leaves it out of the WAL.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN note AS text;
CREATE FUNCTION big(seed text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT string_agg(md5(seed || n), '') FROM generate_series(1, 400) n $$;
CREATE FUNCTION parts(seed text) RETURNS text[] LANGUAGE sql IMMUTABLE AS
    $$ SELECT array_agg(md5(seed || n)) FROM generate_series(1, 400) n $$;
CREATE TABLE scalars (
    id int PRIMARY KEY, small int, c char(13000), ci citext, x xml, ts tsvector, h hstore, lt ltree, n numeric, nf numeric(1000,2), vb varbit, bt bit(20000), d note, by bytea,
    po polygon, pa path, q tsquery, jp jsonpath
);
ALTER TABLE scalars ALTER lt SET STORAGE external, ALTER vb SET STORAGE external, ALTER bt SET STORAGE external, ALTER ts SET STORAGE external, ALTER h SET STORAGE external;
INSERT INTO scalars
    SELECT n, 0, big('c' || n), big('ci' || n), xmlelement(name a, big('x' || n)), array_to_tsvector(parts('ts' || n)),
        hstore(parts('k' || n), parts('v' || n)), array_to_string(parts('lt' || n), '.')::ltree, repeat('123456789', 1000)::numeric * n, repeat('7', 990)::numeric,
        repeat('1011', 5000)::varbit, repeat('10', 10000)::bit(20000), big('d' || n), convert_to(big('b' || n), 'UTF8'),
        polygon(1000, '<(0,0),1>'::circle), path(polygon(1000, '<(0,0),1>'::circle)), 'a & b'::tsquery, '$.a'
    FROM generate_series(1, 2) n;
CREATE TABLE arrays (
    id int PRIMARY KEY, small int, b boolean[], i2 smallint[], i4 int[], i8 bigint[], f4 real[], f8 float8[], n numeric(20,2)[], nf numeric[], t text[], v varchar(40)[], c char(40)[],
    u uuid[], d date[], tm time[], tz timetz[], ts timestamp[], tstz timestamptz[], j json[], jb jsonb[], e mood[], ip inet[], by bytea[], o oid[], h hstore[], ci citext[], iv interval[],
    p point[], dn note[]
);
ALTER TABLE arrays ALTER b SET STORAGE external, ALTER i2 SET STORAGE external, ALTER i4 SET STORAGE external, ALTER i8 SET STORAGE external, ALTER f4 SET STORAGE external,
    ALTER f8 SET STORAGE external, ALTER d SET STORAGE external, ALTER tm SET STORAGE external, ALTER tz SET STORAGE external, ALTER ts SET STORAGE external,
    ALTER tstz SET STORAGE external, ALTER e SET STORAGE external, ALTER ip SET STORAGE external, ALTER o SET STORAGE external, ALTER iv SET STORAGE external,
    ALTER n SET STORAGE external, ALTER nf SET STORAGE external, ALTER p SET STORAGE external, ALTER h SET STORAGE external;
INSERT INTO arrays
    SELECT 1, 0, array_agg(i % 2 = 0), array_agg(i::smallint), array_agg(i), array_agg(i::bigint), array_agg(i::real), array_agg(i::float8), array_agg(i::numeric(20,2)), array_agg(i::numeric),
        parts('t'), parts('v'), parts('c'), array_agg(md5(i::text)::uuid), array_agg('2024-01-01'::date + i), array_agg('00:00'::time + i * interval '1 s'),
        array_agg('00:00+00'::timetz + i * interval '1 s'), array_agg('2024-01-01'::timestamp + i * interval '1 s'), array_agg('2024-01-01 00:00+00'::timestamptz + i * interval '1 s'),
        array_agg(to_json(md5(i::text))), array_agg(to_jsonb(md5(i::text))), array_agg('ok'::mood), array_agg('10.0.0.0'::inet + i), array_agg(decode(md5(i::text), 'hex')),
        array_agg(i::oid), array_agg(hstore('k', md5(i::text))), array_agg(md5(i::text)::citext), array_agg(i * interval '1 s'), array_agg(point(i, i)), parts('dn')
    FROM generate_series(1, 700) i;
CREATE TABLE scalars_full (LIKE scalars INCLUDING ALL);
ALTER TABLE scalars_full REPLICA IDENTITY FULL;
INSERT INTO scalars_full SELECT * FROM scalars WHERE id = 1;

-- Values at the edges of their types, each in the snapshot and again in the stream.
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE numerics (id serial PRIMARY KEY, free numeric, fixed numeric(10,2), wide numeric(1000,500), whole numeric(131), frees numeric[], fixeds numeric(6,3)[]);
INSERT INTO numerics (free, fixed, wide, whole, frees, fixeds) VALUES
    (repeat('9', 131072)::numeric, NULL, NULL, NULL, NULL, NULL),
    (('-' || repeat('8', 131072) || '.' || repeat('7', 16383))::numeric, NULL, NULL, NULL, NULL, NULL),
    (('0.' || repeat('0', 16382) || '1')::numeric, NULL, repeat('5', 500)::numeric, repeat('9', 131)::numeric, '{1,1.0,1.00,0,-0.001,1e20,NULL}', '{1,0.001,-999.999,NULL}'),
    (1e2000, -0.01, ('-0.' || repeat('3', 500))::numeric, -1, '{}', '{}'),
    (1e-16383, 0.005, 1e-500, 0.4, '{NULL}', '{NULL,NULL}'),
    (0.000, -0.00, 0, 0, '{{1,2},{3,4}}', '{{1,2},{3,4}}'),
    (100, 100, 100, 100, '[5:7]={1,2,3}', '[0:1]={1.5,2.5}'),
    (-128, 327.68, -327.68, 128, NULL, NULL), (-32768, -327.68, 1e499, -129, NULL, NULL), (32767.5, 0.1, 1, 65535, NULL, NULL);
CREATE TABLE special_numerics (id serial PRIMARY KEY, free numeric, fixed numeric(10,2));
INSERT INTO special_numerics (free, fixed) VALUES ('NaN', 'NaN'), ('Infinity', NULL), ('-Infinity', NULL), (1, 1);
CREATE TABLE floats (id serial PRIMARY KEY, f4 real, f8 float8, f4s real[], f8s float8[]);
INSERT INTO floats (f4, f8, f4s, f8s) VALUES
    (1.17549435e-38, 4.9e-324, '{NaN,Infinity,-Infinity,-0,0}', '{NaN,Infinity,-Infinity,-0,0}'), (1.4e-45, 2.2250738585072009e-308, '{1e-45}', '{5e-324}'),
    (3.4028235e38, 1.7976931348623157e308, '{{1,2},{3,4}}', '{{1,2},{3,4}}'), (2.0e-3, 2.0e-3, '{0.3,0.1,0.7}', '{0.3,0.1,0.7}'),
    (33554432, 9007199254740992, NULL, NULL), (8388609.5, 4503599627370497.5, NULL, NULL), (1.0e10, 1.0e21, NULL, NULL), (123456.789, 123456789.123456789, NULL, NULL),
    (9.999999e-4, 9.999999999999999e-4, NULL, NULL), (9999999.5, 9999999.999999998, NULL, NULL), (2.2e-38, 2e-323, NULL, NULL), (1e-3, 1e23, NULL, NULL);
CREATE TABLE times (
    id serial PRIMARY KEY, d date, ts timestamp, ts3 timestamp(3), ts0 timestamp(0), tz timestamptz, tz3 timestamptz(3), t time, t1 time(1), tt timetz, ds date[], tss timestamp[], tzs timestamptz[], ti time[], tts timetz[]
);
INSERT INTO times (d, ts, ts3, ts0, tz, tz3, t, t1, tt, ds, tss, tzs, ti, tts) VALUES
    ('infinity', 'infinity', 'infinity', 'infinity', 'infinity', 'infinity', '24:00', '24:00', '24:00+00', '{infinity,-infinity,NULL}', '{infinity,-infinity,NULL}', '{infinity,NULL}', '{24:00,00:00,NULL}', '{24:00+00,12:00:00+02,NULL}'),
    ('-infinity', '-infinity', '-infinity', '-infinity', '-infinity', '-infinity', '00:00:00.000001', '00:00:00.1', '24:00+02', '{}', '{}', '{}', '{}', '{}'),
    ('0044-03-15 BC', '0044-03-15 01:02:03.5 BC', '0044-03-15 01:02:03.5 BC', '0044-03-15 01:02:03 BC', '0044-03-15 01:02:03.5+00 BC', '0044-03-15 01:02:03.5+00 BC', '23:59:59.999999', '23:59:59.9', '24:00-12',
        '{"0044-03-15 BC",0001-01-01}', NULL, NULL, '{23:59:59.999999}', '{00:00-15:59}'),
    ('4713-01-01 BC', '4713-01-01 BC', '4713-01-01 BC', '4713-01-01 BC', '4713-01-02 00:00+00 BC', '4713-01-02 00:00+00 BC', '12:00', '12:00', '12:00+15:59', '{"4713-01-01 BC"}', NULL, NULL, '{12:00:00.1}', NULL),
    ('0001-12-31 BC', '0001-12-31 23:59:59.999999 BC', '0001-12-31 BC', '0001-12-31 BC', '0001-12-31 23:59:59.999999+00 BC', '0001-12-31 00:00+00 BC', NULL, NULL, '00:00-15:59', NULL, NULL, NULL, NULL, NULL),
    ('294276-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999', '294276-12-31 23:59:59', '294276-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999+00', NULL, NULL, NULL, '{294276-12-31}', '{"294276-12-31 23:59:59.999999"}', '{"294276-12-31 23:59:59.999999+00"}', NULL, NULL),
    ('5874897-12-31', '99999-01-01', '10000-01-01 00:00:00.001', '10000-01-01', '10000-01-01 00:00+00', '99999-12-31 00:00+00', NULL, NULL, NULL, '{5874897-12-31,10000-01-01}', NULL, NULL, NULL, NULL),
    ('1582-10-04', '1582-10-04 12:00', '1582-10-15', '1582-10-14', '1582-10-04 12:00+00', '1582-10-15 00:00+00', NULL, NULL, NULL, '{1582-10-04,1582-10-10,1582-10-15}', '{"1582-10-15 00:00"}', NULL, NULL, NULL),
    ('1500-02-28', '1500-03-01', '0999-01-01', '0100-01-01', '1000-02-28 23:59:59+00', '0200-02-28 00:00+00', NULL, NULL, NULL, '{{1500-02-28},{1500-03-01}}', NULL, NULL, NULL, NULL),
    ('2024-12-31', '2024-12-31 23:59:60', '2024-12-31 23:59:59.9996', '2024-12-31 23:59:59.5', '2024-03-31 02:30:00+01:00:30', '2024-12-31 23:59:59.9996-15:59', '23:59:60', '23:59:59.96', '23:59:60+00', NULL, NULL, NULL, NULL, NULL),
    ('1969-12-31', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59', '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE intervals (id serial PRIMARY KEY, i interval, i0 interval(0), ym interval year to month, dt interval day to second);
INSERT INTO intervals (i, i0, ym, dt) VALUES
    ('1 mon', '0.6 s', '1 year 5 mons', '1 day 00:00:00.5'), ('178000000 years', '-0.4 s', '-1 mon', '-1 day'), ('-178000000 years', NULL, NULL, NULL), ('-0.000001 s', NULL, NULL, NULL),
    ('2147483647 days', NULL, NULL, NULL), ('596523:14:07.999999', NULL, NULL, NULL), ('-596523:14:08.999999', NULL, NULL, NULL), ('1 mon -1 day +1 s', NULL, NULL, NULL),
    ('-1 mon +1 day -1 s', NULL, NULL, NULL), ('11 mons 29 days 23:59:59.999999', NULL, NULL, NULL), ('@ 1 min 0.5 s', NULL, NULL, NULL);
CREATE TABLE money_and_bits (id serial PRIMARY KEY, m money, ms money[], b1 bit(1), b8 bit(8), b9 bit(9), b64 bit(64), b65 bit(65), v varbit, v1 varbit(1), v8 varbit(8), bs bit(3)[], vs varbit[]);
INSERT INTO money_and_bits (m, ms, b1, b8, b9, b64, b65, v, v1, v8, bs, vs) VALUES
    (-0.01, '{1.5,-1}', '1', '10000000', '100000001', repeat('1', 64)::bit(64), ('1' || repeat('0', 64))::bit(65), repeat('10', 300)::varbit, '1', '101', '{101,010}', '{1,01}'),
    (1234567.89, NULL, '0', '00000000', '000000000', repeat('0', 64)::bit(64), (repeat('0', 64) || '1')::bit(65), '', '', '', '{}', '{}'),
    (0, '{}', NULL, '00000001', '000000001', ('1' || repeat('0', 63))::bit(64), repeat('0', 65)::bit(65), '0', '0', '0', NULL, NULL), (-1234567.89, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE texts (id serial PRIMARY KEY, c char(5), c1 "char", v varchar(3), t text, tv tsvector, tq tsquery, x xml, xs xml[], j json, jb jsonb, by bytea, bys bytea[], n name, ns name[], cs char(3)[], vs varchar(4)[], js json[], jbs jsonb[]);
INSERT INTO texts (c, c1, v, t, tv, tq, x, xs, j, jb, by, bys, n, ns, cs, vs, js, jbs) VALUES
    ('ab', 'a', 'abc', E'\u0001\u0002\u001f\u007f\u0080\u009f\u00ad\u200b\u2028\u2029\ufeff\ufffd\U0001F600', 'a:1A,2B ''q''''uote'':3 fat', 'fat:ab & !rat:*', '<?xml version="1.0"?><a b="&lt;">t<!-- c --></a>',
        ARRAY['<a/>'::xml, NULL], '{"b": 1, "a": [1.0, 1e5, "\u00e9 \/ \ud83d\ude00"]}', '{"b": 1, "a": [1.0, 1e5, "\u00e9"], "z": 1e400}', '\x', ARRAY['\x00'::bytea, NULL, '\x'], 'n', '{a,b}',
        '{a,ab,abc,NULL}', '{"a\"b",NULL,"NULL","\\"," s ","{},"}', ARRAY['{"a": "\"q\""}'::json, NULL, '[1,2]'], ARRAY['"text"'::jsonb, 'null', '{}']),
    ('     ', ' ', '   ', E'\\ "quoted" ''single'' / <tag> & \t\n\r\b\f', '', '', 'text', '{}', '""', '""', '\x5c22', '{}', '', '{}', '{}', '{}', '{}', '{}'),
    ('日本語😀é', E'\001', '😀😀😀', repeat('é', 20000), '''😀'':1', NULL, '<é/>', NULL, '1e400', '1e400', (SELECT decode(string_agg(lpad(to_hex(i), 2, '0'), ''), 'hex') FROM generate_series(0, 255) i), NULL, 'é', NULL,
        '{a}', '{a}', NULL, NULL);
CREATE TABLE ranges (id serial PRIMARY KEY, i4 int4range, i8 int8range, n numrange, ts tsrange, tz tstzrange, d daterange, i4s int4range[], nrs numrange[], tzs tstzrange[], m4 int4multirange);
INSERT INTO ranges (i4, i8, n, ts, tz, d, i4s, nrs, tzs, m4) VALUES
    ('[1,5]', '(1,5)', '(1.50,2.5]', '["2024-01-01 01:02:03.5",infinity]', '["2024-01-01 01:02:03+02",)', '[2024-01-01,2024-01-05]', '{"[1,5]",NULL,empty}', '{"[1.50,)"}', '{"[2024-01-01 00:00+05,)"}', '{[1,3),[5,9)}'),
    ('empty', 'empty', 'empty', 'empty', 'empty', 'empty', '{}', '{}', '{}', '{}'),
    ('(,)', '(,5)', '[NaN,NaN]', '(,)', '(,"0044-03-15 01:02:03+00 BC")', '[-infinity,infinity)', NULL, NULL, NULL, NULL);
CREATE TABLE nets (id serial PRIMARY KEY, i inet, c cidr, m macaddr, m8 macaddr8, ins inet[], cs cidr[], ms macaddr[], m8s macaddr8[], o oid, os oid[], u uuid, us uuid[], b bool, bs bool[], rc regclass, e mood, es mood[]);
INSERT INTO nets (i, c, m, m8, ins, cs, ms, m8s, o, os, u, us, b, bs, rc, e, es) VALUES
    ('::ffff:1.2.3.4', '10.1.2.3/32', '08-00-2B-01-02-03', '08:00:2b:ff:fe:01:02:03', '{1.2.3.4,::1/64,NULL}', '{10/8,::/0}', '{08:00:2b:01:02:03}', '{08:00:2b:01:02:03:04:05}', 4294967295, '{0,4294967295,NULL}',
        'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc999c0b4ef8bb6d6bb9bd380a11,NULL}', 'yes', '{{t,f},{f,t}}', 'nets', 'ok', '{ok,sad}'),
    ('192.168.1.5/24', '2001:db8::/32', NULL, NULL, '{}', '{}', '{}', '{}', 0, '{}', NULL, '{}', 'off', '{}', 12345678, NULL, '{NULL,ok}');
CREATE TABLE nested (id serial PRIMARY KEY, a int[][], b int[], f float8[][], tm time[][], by bytea[][], i8 bigint[], i2 smallint[]);
INSERT INTO nested (a, b, f, tm, by, i8, i2) VALUES
    ('{{1,2},{3,4}}', '{1,2}', '{{1.5}}', '{{01:02:03}}', ARRAY[ARRAY['\x00'::bytea]], '{{1}}', '{{1}}'),
    ('{1,NULL}', '[-1:1]={7,8,9}', '{}', '{}', '{}', '[2:2]={5}', '{{NULL}}');
-- The delete of such a row shows what Debezium puts where nothing is known.
CREATE TABLE required_more (
    id int PRIMARY KEY, b bit(1) NOT NULL, vb varbit NOT NULL, c "char" NOT NULL, x xml NOT NULL, tv tsvector NOT NULL, m macaddr NOT NULL, m8 macaddr8 NOT NULL, ci cidr NOT NULL, o oid NOT NULL,
    i4 int4range NOT NULL, tz tstzrange NOT NULL, h hstore NOT NULL, ts3 timestamp(3) NOT NULL, t3 time(3) NOT NULL, tz3 timestamptz(3) NOT NULL, es mood[] NOT NULL, ds date[] NOT NULL, bys bytea[] NOT NULL,
    js jsonb[] NOT NULL, us uuid[] NOT NULL, hs hstore[] NOT NULL, n5 numeric(5) NOT NULL, d_i int NOT NULL DEFAULT 5, d_t text NOT NULL DEFAULT 'dt', d_n numeric(5,2) NOT NULL DEFAULT 1.5,
    d_ts timestamp NOT NULL DEFAULT '2024-01-01', d_j jsonb NOT NULL DEFAULT '{}', d_m money NOT NULL DEFAULT 5, d_by bytea NOT NULL DEFAULT '\x01', d_a int[] NOT NULL DEFAULT '{5}', o_t text DEFAULT 'ot', o_m mood DEFAULT 'ok'
);
INSERT INTO required_more VALUES (1, '1', '101', 'c', '<a/>', 'a', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '10/8', 7, '[1,2)', '[2024-01-01 00:00+00,)', 'a=>1', '2024-01-01', '01:00', '2024-01-01 00:00+00',
    '{ok}', '{2024-01-01}', ARRAY['\x00'::bytea], ARRAY['1'::jsonb], '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', ARRAY['a=>1'::hstore], 5);

-- Every common type: nullable, required and with a default; the rows here are read by the snapshot.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy', 'with,comma');

CREATE TABLE numbers (
    id bigserial PRIMARY KEY,
    b boolean, i2 smallint, i4 integer, i8 bigint, s2 smallserial, s4 serial,
    f4 real, f8 double precision,
    n_fixed numeric(10,2), n_wide numeric(38,18), n_whole numeric(5), n_free numeric, cash money
);
INSERT INTO numbers (b, i2, i4, i8, f4, f8, n_fixed, n_wide, n_whole, n_free, cash) VALUES
    (true, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    (false, -32768, -2147483648, -9223372036854775808, '-3.4028235e38', '-1.7976931348623157e308', -99999999.99,
     -99999999999999999999.999999999999999999, -99999, -123456789012345678901234567890.123456789, '-92233720368547758.08'),
    (true, 32767, 2147483647, 9223372036854775807, '3.4028235e38', '1.7976931348623157e308', 99999999.99,
     99999999999999999999.999999999999999999, 99999, 1e40, '92233720368547758.07'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 0, 0, 0, '-0', '-0', 0, 0, 0, 0, 0),
    (NULL, NULL, NULL, NULL, 'NaN', 'NaN', NULL, NULL, NULL, 0.000000000000000000001, 0.1),
    (NULL, NULL, NULL, NULL, 'Infinity', '-Infinity', 0.01, 0.000000000000000001, NULL, 100.00, -0.01),
    (NULL, NULL, NULL, NULL, 1e-45, 5e-324, 1.10, 1.5, NULL, 1.50, 1234.5),
    (NULL, NULL, NULL, NULL, 1.17549435e-38, 2.2250738585072014e-308, NULL, NULL, NULL, 127, NULL),
    (NULL, NULL, NULL, NULL, 0.001, 0.001, NULL, NULL, NULL, 128, NULL),
    (NULL, NULL, NULL, NULL, 0.00099, 0.00099, NULL, NULL, NULL, -128, NULL),
    (NULL, NULL, NULL, NULL, 9999999, 9999999, NULL, NULL, NULL, -129, NULL),
    (NULL, NULL, NULL, NULL, 1e7, 1e7, NULL, NULL, NULL, 255, NULL),
    (NULL, NULL, NULL, NULL, 16777217, 9007199254740993, NULL, NULL, NULL, 256, NULL),
    (NULL, NULL, NULL, NULL, 3.4028233e10, 2e23, NULL, NULL, NULL, 1e-10, NULL),
    (NULL, NULL, NULL, NULL, 0.1, 0.30000000000000004, NULL, NULL, NULL, 0.1, NULL);

CREATE TABLE texts (
    id serial PRIMARY KEY,
    c char, c5 char(5), v varchar, v10 varchar(10), t text, by bytea, j json, jb jsonb, x xml, u uuid, e mood, n name
);
INSERT INTO texts (c, c5, v, v10, t, by, j, jb, x, u, e) VALUES
    ('a', 'abc', 'v', 'ten', 'text', '\x00ff10', '{"a": 1}', '{"b":[1,2], "a": null}', '<a>1</a>', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'ok'),
    ('', '', '', '', '', '', '[]', '{}', '', '00000000-0000-0000-0000-000000000000', 'sad'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('é', 'été', '日本語', '😀', E'tab\t nl\n cr\r bs\b ff\f quote" back\\ slash/ \u0001 \u001f \u007f \u2028 <&>', '\xdeadbeef',
     ' { "spaces" :  1.0e1 , "dup":1, "dup":2 } ', '{"n": 1.50, "s": "\u00e9\ud83d\ude00"}', '<?xml version="1.0"?><b/>', 'FFFFFFFF-ffff-ffff-FFFF-ffffffffffff', 'very happy'),
    (' ', 'a    ', 'trailing  ', ' lead', 'null', '\x', 'null', 'null', NULL, NULL, 'with,comma');

CREATE TABLE times (
    id serial PRIMARY KEY,
    d date, t time, t0 time(0), t3 time(3), tz timetz, tz3 timetz(3),
    ts timestamp, ts0 timestamp(0), ts3 timestamp(3), tstz timestamptz, tstz3 timestamptz(3), i interval
);
INSERT INTO times (d, t, t0, t3, tz, tz3, ts, ts0, ts3, tstz, tstz3, i) VALUES
    ('2024-02-29', '13:14:15.123456', '13:14:15', '13:14:15.123', '13:14:15.123456+02', '13:14:15.123-05:30',
     '2024-02-29 13:14:15.123456', '2024-02-29 13:14:15', '2024-02-29 13:14:15.123', '2024-02-29 13:14:15.123456+02',
     '2024-02-29 13:14:15.123-08', '1 year 2 mons 3 days 04:05:06.789'),
    ('1970-01-01', '00:00', '00:00', '00:00', '00:00+00', '00:00+00', '1970-01-01', '1970-01-01', '1970-01-01', '1970-01-01 00:00+00', '1970-01-01 00:00+00', '0'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('1969-12-31', '23:59:59.999999', '23:59:59', '23:59:59.999', '23:59:59.999999-12', '23:59:59.999+14',
     '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.999999+00',
     '1969-12-31 23:59:59.999+00', '-1 year -2 mons +3 days -04:05:06.000001'),
    ('1900-01-01', '12:00:00.1', '12:00', '12:00:00.1', '12:00:00.1+05:45', '12:00:00.1Z', '1900-01-01 00:00:00.1', '1900-01-01', '1900-01-01 00:00:00.1',
     '1900-01-01 00:00:00.1+00', '1900-01-01 00:00:00.1+00', '-1 day'),
    ('2200-12-31', '24:00', '24:00', '24:00', '00:00:00.000001+00', '01:00+01', '2200-12-31 23:59:59', '2200-12-31', '2200-12-31', '2200-12-31 00:00+00',
     '2200-12-31 00:00+00', '100 years 30 days 23:59:59.999999');

CREATE TABLE times_beyond (id serial PRIMARY KEY, ts timestamp, tstz timestamptz);
INSERT INTO times_beyond (ts, tstz) VALUES
    ('0001-01-01', '0001-01-01 00:00+00'), ('9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00'),
    ('infinity', 'infinity'), ('-infinity', '-infinity'), ('1582-10-04', '1582-10-15 00:00+00');

CREATE TABLE nets (id serial PRIMARY KEY, ip inet, net cidr, mac macaddr, bits bit(3), flag bit, vbits varbit(20), o oid, p point);
INSERT INTO nets (ip, net, mac, bits, flag, vbits, o, p) VALUES
    ('192.168.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '101', '1', '1011', 42, '(1.5,-2)'), ('10.1.2.3/16', '::/0', NULL, '000', '0', '', 4294967295, '(0,0)'),
    ('2001:db8::1', NULL, NULL, NULL, NULL, NULL, 0, '(1e300,-0)'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, '(NaN,Infinity)'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE arrays (
    id serial PRIMARY KEY,
    b boolean[], i2 smallint[], i4 integer[], i8 bigint[], f4 real[], f8 double precision[], n numeric(10,2)[], t text[], v varchar(5)[], c char(3)[],
    u uuid[], d date[], ts timestamp[], tstz timestamptz[], tm time[], j json[], jb jsonb[], e mood[], ip inet[], by bytea[]
);
INSERT INTO arrays (b, i2, i4, i8, f4, f8, n, t, v, c, u, d, ts, tstz, tm, j, jb, e, ip, by) VALUES
    ('{t,f,NULL}', '{1,-1,NULL}', '{2147483647,NULL}', '{9223372036854775807}', '{1.5,NaN}', '{1e10,-0}', '{1.10,NULL}', '{a,NULL,"with \"quotes\" and, comma",""}',
     '{ab}', '{ab,abc}', '{6ba7b810-9dad-11d1-80b4-00c04fd430c8}', '{2024-02-29,1969-12-31}', '{"2024-02-29 13:14:15.123456"}', '{"2024-02-29 13:14:15.123456+02"}',
     '{13:14:15.123456}', ARRAY['{"a":1}'::json], ARRAY['{"a":1}'::jsonb], '{ok,"very happy"}', '{10.0.0.1,10.0.0.0/8}', ARRAY['\x00ff'::bytea]),
    ('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- The delete of such a row shows what Debezium puts where nothing is known.
CREATE TABLE required (
    id int PRIMARY KEY,
    b boolean NOT NULL, i2 smallint NOT NULL, i8 bigint NOT NULL, f4 real NOT NULL, f8 double precision NOT NULL, n numeric(10,2) NOT NULL,
    nf numeric NOT NULL, cash money NOT NULL, c char(3) NOT NULL, v varchar(9) NOT NULL, t text NOT NULL, by bytea NOT NULL, j json NOT NULL, jb jsonb NOT NULL,
    u uuid NOT NULL, e mood NOT NULL, d date NOT NULL, tm time NOT NULL, tz timetz NOT NULL, ts timestamp NOT NULL, tstz timestamptz NOT NULL,
    i interval NOT NULL, ip inet NOT NULL, bits bit(3) NOT NULL, ai int[] NOT NULL, at text[] NOT NULL, p point NOT NULL
);
INSERT INTO required VALUES (1, true, 1, 1, 1, 1, 1, 1, 1, 'c', 'v', 't', '\x01', '1', '1', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'ok', '2024-01-01',
    '01:02:03', '01:02:03+01', '2024-01-01 01:02:03', '2024-01-01 01:02:03+00', '1 day', '10.0.0.1', '101', '{1}', '{a}', '(1,2)');

CREATE TABLE defaults (
    id int PRIMARY KEY,
    b boolean DEFAULT true, i2 smallint DEFAULT -5, i4 integer NOT NULL DEFAULT 42, i8 bigint DEFAULT 9000000000, f4 real DEFAULT 1.5, f8 double precision DEFAULT 1e10,
    n numeric(10,2) DEFAULT 12.30, nf numeric DEFAULT 3, c char(3) DEFAULT 'ab', v varchar(9) NOT NULL DEFAULT 'it''s', t text DEFAULT 'text',
    u uuid DEFAULT '6ba7b810-9dad-11d1-80b4-00c04fd430c8', e mood DEFAULT 'ok', j jsonb DEFAULT '{"a": 1}', d date DEFAULT '2024-02-29', tm time DEFAULT '01:02:03.5',
    tz timetz DEFAULT '01:02:03+01', ts timestamp DEFAULT '2024-02-29 01:02:03.123456', tstz timestamptz DEFAULT '2024-02-29 01:02:03+00', i interval DEFAULT '1 day',
    changing timestamptz DEFAULT now(), today date DEFAULT current_date, computed int DEFAULT 1 + 1, who text DEFAULT current_user, ai int[] DEFAULT '{1,2}'
);
INSERT INTO defaults (id, changing, today, who) VALUES (1, '2024-01-01 00:00+00', '2024-01-01', 'ada'), (2, NULL, NULL, NULL);
UPDATE defaults SET b = NULL, i2 = NULL, i8 = NULL, f4 = NULL, f8 = NULL, n = NULL, nf = NULL, c = NULL, t = NULL, u = NULL, e = NULL, j = NULL, d = NULL, tm = NULL,
    tz = NULL, ts = NULL, tstz = NULL, i = NULL, computed = NULL, ai = NULL WHERE id = 2;

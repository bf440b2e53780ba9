-- Defaults of the database and of the role that a client inherits and that would change how values look.
ALTER DATABASE :"DBNAME" SET DateStyle = 'SQL, DMY';
ALTER DATABASE :"DBNAME" SET TimeZone = 'Asia/Kathmandu';
ALTER DATABASE :"DBNAME" SET xmlbinary = 'hex';
ALTER DATABASE :"DBNAME" SET search_path = 'elsewhere';
ALTER DATABASE :"DBNAME" SET client_encoding = 'LATIN1';
ALTER DATABASE :"DBNAME" SET standard_conforming_strings = 'off';
ALTER DATABASE :"DBNAME" SET quote_all_identifiers = 'on';
ALTER DATABASE :"DBNAME" SET default_transaction_read_only = 'off';
ALTER ROLE postgres IN DATABASE :"DBNAME" SET TimeZone = 'America/St_Johns';
ALTER ROLE postgres IN DATABASE :"DBNAME" SET DateStyle = 'German, YMD';
CREATE TABLE t (
    id serial PRIMARY KEY, d date, ts timestamp, tz timestamptz, tm time, tt timetz, i interval, by bytea, f4 real, f8 float8, m money, txt text, r tstzrange, ds date[], tzs timestamptz[], f8s float8[], bys bytea[], p point,
    d_tz timestamptz DEFAULT '2024-06-01 12:00+00', d_f float8 DEFAULT 0.1, d_i interval DEFAULT '1 day 02:00', d_d date DEFAULT '2024-06-02', "User" text DEFAULT 'u'
);
INSERT INTO t (d, ts, tz, tm, tt, i, by, f4, f8, m, txt, r, ds, tzs, f8s, bys, p) VALUES
    ('2024-02-03', '2024-02-03 04:05:06.789', '2024-02-03 04:05:06.789+00', '04:05:06', '04:05:06+02', '1 year 2 mons', '\x00ff41', 0.1, 0.30000000000000004, 1234.5, E'é\\n', '[2024-01-01 00:00+00,)',
     '{2024-02-03}', '{2024-02-03 04:05:06+00}', '{0.1,0.30000000000000004}', ARRAY['\x00ff41'::bytea], '(0.1,0.30000000000000004)'),
    ('0044-03-04 BC', '1969-12-31 23:59:59.999999', '1850-01-01 00:00+00', '24:00', '00:00-12', '-1 year +3 days -04:05:06.7', '\x', 3.4028235e38, 5e-324, -0.01, '😀', 'empty', '{}', '{}', '{}', '{}', '(1,2)'),
    (NULL, NULL, '2024-07-01 00:00+00', NULL, NULL, '1 day -00:00:01', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{infinity}', NULL, NULL, NULL);

CREATE TABLE things (
  id int PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', opt text DEFAULT 'given', secret text, pin int, ratio real, price numeric(10,2), whole numeric(5,0),
  flag boolean, tags text[], small smallint, big bigint, r real, d double precision, d2 double precision, n numeric(10,2), n2 numeric(10,2), n3 numeric(10,2),
  yes boolean, yes2 boolean, num text, num2 text, bool text, bytes bytea, day date, day2 date, at time(3), ts timestamp(3), ts2 timestamp(3), ts3 timestamp(3), ts4 timestamp(3),
  written text, seconds bigint, old date, counted int NOT NULL DEFAULT 7);
ALTER TABLE things REPLICA IDENTITY FULL;
CREATE TABLE unkeyed (a int, b text);
ALTER TABLE unkeyed REPLICA IDENTITY FULL;
INSERT INTO things VALUES (1, 'Ada', NULL, 'hush', 1234, 1.5, 12.34, 42, true, '{a,b}', 0, 300, 1.1, 1e10, 1e10, -1.99, 123456.78, 99.50,
  true, false, '+12', '1e3', 'TRUE', '\x010203ff', '2024-02-29', '2024-02-29', '12:34:56.789', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789', '1969-12-31 23:59:59.5',
  '2024-02-29 01:02:03.004', 1709210096, '0001-01-01', 1);
INSERT INTO things (id) VALUES (2);
INSERT INTO unkeyed VALUES (1, 'x'), (NULL, NULL);

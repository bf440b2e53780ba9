INSERT INTO numbers (n) SELECT n FROM numbers ORDER BY id;
INSERT INTO times (ts, tstz, timetz) SELECT ts, tstz, timetz FROM times ORDER BY id;
INSERT INTO nested (t, u, j, v) SELECT t, u, j, v FROM nested ORDER BY id;

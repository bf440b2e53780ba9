SET search_path = public;
INSERT INTO t (d, ts, tz, tm, tt, i, by, f4, f8, m, txt, r, ds, tzs, f8s, bys, p) SELECT d, ts, tz, tm, tt, i, by, f4, f8, m, txt, r, ds, tzs, f8s, bys, p FROM t ORDER BY id;
ALTER TABLE t REPLICA IDENTITY FULL;
UPDATE t SET txt = 'changed';
DELETE FROM t;

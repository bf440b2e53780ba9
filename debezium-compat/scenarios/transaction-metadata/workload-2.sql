BEGIN;
INSERT INTO "B b" VALUES (30, 'x');
INSERT INTO a VALUES (31, 'two'), (32, 'three');
COMMIT;

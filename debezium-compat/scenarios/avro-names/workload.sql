INSERT INTO "odd-table" VALUES (2, NULL, NULL, NULL, NULL, NULL);
UPDATE "odd-table" SET "1st" = 'c', "id-1" = 3 WHERE "id-1" = 2;
DELETE FROM "odd-table" WHERE "id-1" = 1;

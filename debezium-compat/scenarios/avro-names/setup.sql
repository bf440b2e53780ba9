CREATE TABLE "odd-table" ("id-1" int PRIMARY KEY, "1st" text, "a b" int, "grün" text, "x.y" int DEFAULT 4, "$" bool);
INSERT INTO "odd-table" VALUES (1, 'a', 2, 'b', 3, true);

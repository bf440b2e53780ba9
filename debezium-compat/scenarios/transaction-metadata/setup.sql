CREATE TABLE a (id int PRIMARY KEY, v text);
CREATE TABLE "B b" (id int PRIMARY KEY, v text);
CREATE TABLE ignored (id int PRIMARY KEY);
CREATE TABLE nokey (v text);
ALTER TABLE nokey REPLICA IDENTITY FULL;
DO $$ BEGIN FOR n IN 1..30 LOOP EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY)', n); END LOOP; END $$;
INSERT INTO a VALUES (1, 'in the snapshot'), (2, 'too');

INSERT INTO places (g, p, l, gg, gp, ga, gga, b, b3, required, required_gg) SELECT g, p, l, gg, gp, ga, gga, b, b3, required, required_gg FROM places ORDER BY id;
UPDATE places SET id = -id WHERE id IN (1, 5);
UPDATE places SET p = NULL WHERE ST_NPoints(g) > 100;
DELETE FROM places;

INSERT INTO places (g, gg, ga, gga, required, required_gg) SELECT g, gg, ga, gga, required, required_gg FROM places ORDER BY id;
INSERT INTO embeddings (v, hv, sv, required) SELECT v, hv, sv, required FROM embeddings ORDER BY id;
UPDATE places SET id = -id WHERE id = 1;
UPDATE embeddings SET id = -id WHERE id = 1;
DELETE FROM places;
DELETE FROM embeddings;

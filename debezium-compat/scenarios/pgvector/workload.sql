INSERT INTO embeddings (v, v3, hv, sv, vs, required, required_sv) SELECT v, v3, hv, sv, vs, required, required_sv FROM embeddings ORDER BY id;
UPDATE embeddings SET id = -id WHERE id IN (1, 4);
UPDATE embeddings SET v3 = '[1,2,3]' WHERE v3 IS NULL;
DELETE FROM embeddings;

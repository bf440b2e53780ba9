INSERT INTO embeddings (v, v3, hv, sv, vs, required, wide) SELECT v, v3, hv, sv, vs, required, wide FROM embeddings ORDER BY id;
UPDATE embeddings SET id = -id WHERE id IN (1, 4);
UPDATE embeddings SET v3 = '[1,2,3]' WHERE v3 IS NULL;
DELETE FROM embeddings;

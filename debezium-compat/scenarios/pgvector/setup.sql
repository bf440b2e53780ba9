-- The real pgvector; `types-postgis` has its types' names only.
CREATE EXTENSION vector;
CREATE TABLE embeddings (id serial PRIMARY KEY, v vector, v3 vector(3), hv halfvec(3), sv sparsevec(5), vs vector[], d vector(2) DEFAULT '[1,2]', required vector NOT NULL, wide sparsevec);
INSERT INTO embeddings (v, v3, hv, sv, vs, required, wide) VALUES
    ('[1,2.5,-3]', '[0.1,0.2,0.3]', '[1,2.5,-3]', '{1:1.5,3:2}/5', ARRAY['[1,2]'::vector], '[0]', '{}/5'), ('[1e-7,1e20]', '[1e38,-1e38,1e-38]', '[0.1,65504,-0]', '{5:1e-7}/5', '{}', '[1]', '{1:1}/1000'),
    (NULL, NULL, NULL, '{}/5', NULL, '[1]', '{}/1'), ((SELECT array_agg(sin(n))::vector FROM generate_series(1, 1536) n), NULL, NULL, NULL, NULL, '[1]', '{1:1,7:2,100:3,999:4}/32000');

-- Debezium finds the types of PostGIS and pgvector by their names: stand-ins with their text forms do, without the extensions.
CREATE TYPE geometry;
CREATE FUNCTION geometry_in(cstring) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION geometry_out(geometry) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE geometry (INPUT = geometry_in, OUTPUT = geometry_out, LIKE = text);
CREATE TYPE geography;
CREATE FUNCTION geography_in(cstring) RETURNS geography LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION geography_out(geography) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE geography (INPUT = geography_in, OUTPUT = geography_out, LIKE = text);
CREATE TYPE vector;
CREATE FUNCTION vector_in(cstring) RETURNS vector LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, LIKE = text);
CREATE TYPE halfvec;
CREATE FUNCTION halfvec_in(cstring) RETURNS halfvec LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION halfvec_out(halfvec) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE halfvec (INPUT = halfvec_in, OUTPUT = halfvec_out, LIKE = text);
CREATE TYPE sparsevec;
CREATE FUNCTION sparsevec_in(cstring) RETURNS sparsevec LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION sparsevec_out(sparsevec) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE sparsevec (INPUT = sparsevec_in, OUTPUT = sparsevec_out, LIKE = text);
CREATE TABLE places (id serial PRIMARY KEY, g geometry, gg geography, ga geometry[], gga geography[], required geometry NOT NULL, required_gg geography NOT NULL);
INSERT INTO places (g, gg, ga, gga, required, required_gg) VALUES
    ('0101000020E6100000000000000000F03F0000000000000040', '0101000020E6100000000000000000F03F0000000000000040', '{0101000020E6100000000000000000F03F0000000000000040}',
     '{0101000020E6100000000000000000F03F0000000000000040,NULL}', '0101000000000000000000F03F0000000000000040', '0101000000000000000000F03F0000000000000040'),
    ('0020000001000010E63FF00000000000004000000000000000', '010200000002000000000000000000F03F000000000000004000000000000008400000000000001040', '{}', '{}',
     '010700000000000000', '010700000000000000'),
    (NULL, NULL, NULL, NULL, '010700000000000000', '010700000000000000');
CREATE TABLE embeddings (id serial PRIMARY KEY, v vector, hv halfvec, sv sparsevec, required vector NOT NULL);
INSERT INTO embeddings (v, hv, sv, required) VALUES
    ('[1,2.5,-3]', '[1,2.5,-3]', '{1:1.5,3:2}/5', '[0]'), ('[1e-7,1e20]', '[0.1]', '{1:1,5:2,9:3,100:4,1000:5}/1000', '[1]'), (NULL, NULL, '{}/5', '[1]'), ('[]', '[]', NULL, '[1]');

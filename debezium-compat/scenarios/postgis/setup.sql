-- The real PostGIS; `types-postgis` has its types' names only.
CREATE EXTENSION postgis;
CREATE TABLE places (
    id serial PRIMARY KEY, g geometry, p geometry(Point, 4326), l geometry(LineStringZ), gg geography, gp geography(Point, 4326), ga geometry[], gga geography[], b box2d, b3 box3d,
    d geometry DEFAULT ST_Point(0, 0), required geometry NOT NULL, required_gg geography NOT NULL
);
INSERT INTO places (g, p, l, gg, gp, ga, gga, b, b3, required, required_gg) VALUES
    (ST_GeomFromText('POINT(1 2)'), ST_SetSRID(ST_Point(1.5, -2), 4326), ST_GeomFromText('LINESTRING Z (0 0 0, 1 1 1)'), 'POINT(1 2)', 'POINT(3 4)', ARRAY[ST_Point(1, 2), NULL], ARRAY['POINT(1 2)'::geography],
     'BOX(0 0,1 1)', 'BOX3D(0 0 0,1 1 1)', ST_Point(0, 0), 'POINT(0 0)'),
    (ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))', 3187), ST_GeomFromText('POINT EMPTY', 4326), NULL, 'SRID=4267;POINT(1 2)', NULL, '{}', '{}', NULL, NULL, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))'), 'LINESTRING(0 0,1 1)'),
    (ST_GeomFromText('POINT M (1 2 3)'), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('MULTIPOINT EMPTY'), 'POINT EMPTY'),
    (ST_GeomFromText('CIRCULARSTRING(0 0,1 1,2 0)'), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('POINT(NaN NaN)'), 'POINT(0 0)');
INSERT INTO places (g, required, required_gg) SELECT ST_MakeLine(array_agg(ST_Point(n, sin(n)))), ST_Point(1, 1), 'POINT(1 1)' FROM generate_series(1, 2000) n;

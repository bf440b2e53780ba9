-- Types of extensions, types that Debezium does not map, and what is built on other types.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE EXTENSION isn;
CREATE EXTENSION lo;
CREATE EXTENSION cube;
CREATE TYPE pair AS (n int, t text);
CREATE TYPE floatrange AS RANGE (subtype = float8);

CREATE TABLE stores (id serial PRIMARY KEY, h hstore, ha hstore[], required hstore NOT NULL DEFAULT '');
INSERT INTO stores (h, ha, required) VALUES
    ('zz=>1, aa=>2, mm=>3, k1=>4, k2=>NULL', ARRAY['a=>1'::hstore, NULL, ''], 'k=>v'),
    ('"q\""=>"\\", "c d"=>"x y", "é"=>"ü", "日本"=>"😀", "😀"=>"", ""=>"empty"', '{}', 'NULL=>"NULL"'),
    ((SELECT hstore(array_agg('key' || n), array_agg(n::text)) FROM generate_series(1, 100) n), NULL, ''),
    ((SELECT hstore(array_agg('key' || n), array_agg(n::text)) FROM generate_series(1, 13) n), NULL, ''),
    ('AaAaAaAa=>1, AaAaAaBB=>2, AaAaBBAa=>3, AaAaBBBB=>4, AaBBAaAa=>5, AaBBAaBB=>6, AaBBBBAa=>7, AaBBBBBB=>8, BBAaAaAa=>9, q1=>10, w7=>11, e5=>12', NULL, ''),
    (NULL, NULL, '');

CREATE TABLE extensions (id serial PRIMARY KEY, ci citext, l ltree, isb isbn, o lo, c "char", ean ean13, cu cube, cia citext[], la ltree[], cua cube[]);
INSERT INTO extensions (ci, l, isb, o, c, ean, cu, cia, la, cua) VALUES
    ('MixedCase', 'Top.Science', '0-393-04002-X', 12345, 'x', '978-0-393-04002-9', '(1,2),(3,4)', '{Ab,cD}', '{a.b,c}', ARRAY['(1,2)'::cube]),
    ('', '', NULL, 0, '', NULL, '(0)', '{}', '{}', '{}'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE shapes (id serial PRIMARY KEY, p point, ln line, ls lseg, bx box, pa path, po polygon, ci circle, bxa box[], lsa lseg[]);
INSERT INTO shapes (p, ln, ls, bx, pa, po, ci, bxa, lsa) VALUES
    ('(1,2)', '{1,2,3}', '[(0,0),(1e10,1e-10)]', '(3,4),(1,2)', '[(0,0),(1.5,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(1,-2),3>',
     '{(1,1),(0,0);(3,3),(2,2)}', ARRAY['[(0,0),(1,1)]'::lseg]),
    ('(Infinity,NaN)', NULL, '[(-0,0.1),(Infinity,123456789)]', NULL, '((0,0),(1,1))', NULL, NULL, '{}', NULL),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE systems (id serial PRIMARY KEY, n name, q tsquery, lsn pg_lsn, x xid, x8 xid8, ti tid, j jsonpath, rc regclass, pr pair, m int4multirange, f floatrange,
    lsns pg_lsn[], prs pair[], ms int4multirange[], xs xid[], names name[], required pg_lsn NOT NULL);
INSERT INTO systems (n, q, lsn, x, x8, ti, j, rc, pr, m, f, lsns, prs, ms, xs, names, required) VALUES
    ('name', 'fat & rat', '16/B374D848', '123', '4294967296', '(1,2)', '$.a[*] ? (@ > 1)', 'pg_class', '(1,"x y")', '{[1,2),[5,6)}', '[1.5,2)',
     '{0/1,FF/AA}', ARRAY['(1,a)'::pair, '(2,"b,c")'], ARRAY['{[1,2)}'::int4multirange], '{1,2}', '{n}', '0/1'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '{}', '{}', '{}', '0/2'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0/3');

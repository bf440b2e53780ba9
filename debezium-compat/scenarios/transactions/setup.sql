CREATE TABLE customers (
    id serial PRIMARY KEY,
    name text NOT NULL,
    email text,
    balance numeric(12,2) NOT NULL DEFAULT 0
);
CREATE TABLE orders (
    region char(2),
    number bigint,
    customer int,
    note varchar(40) DEFAULT 'none',
    PRIMARY KEY (number, region)
);
CREATE TABLE audited (LIKE orders INCLUDING ALL);
ALTER TABLE audited REPLICA IDENTITY FULL;
INSERT INTO customers (name, email) VALUES ('Ada', 'ada@example.com'), ('Grace', NULL);
INSERT INTO orders VALUES ('eu', 1, 1, DEFAULT), ('us', 1, 2, NULL);
INSERT INTO audited SELECT * FROM orders;

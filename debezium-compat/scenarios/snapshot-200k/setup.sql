-- The table of the well-known change capture tutorials, with the status that a notifier watches.
CREATE TABLE transactions (
    transaction_id varchar(255) PRIMARY KEY,
    user_id varchar(255),
    "timestamp" timestamp,
    amount decimal,
    currency varchar(255),
    city varchar(255),
    country varchar(255),
    merchant_name varchar(255),
    payment_method varchar(255),
    ip_address varchar(255),
    voucher_code varchar(255),
    affiliateid varchar(255),
    status varchar(20) NOT NULL DEFAULT 'pending'
);
INSERT INTO transactions
    SELECT md5(n::text)::uuid::text, 'user' || n % 1000, timestamp '2024-01-01' + n * interval '1.234567 s', round((10 + (n * 7919 % 99000) / 100.0)::numeric, 2),
        (ARRAY['USD', 'GBP'])[1 + n % 2], 'City ' || n % 500, 'Country ' || n % 200, 'Merchant, "' || n % 3000 || '" & Søns', (ARRAY['credit_card', 'debit_card', 'online_transfer'])[1 + n % 3],
        '10.' || n % 256 || '.' || n / 256 % 256 || '.1', (ARRAY['', 'DISCOUNT10', NULL])[1 + n % 3], md5('a' || n)::uuid::text, (ARRAY['pending', 'paid', 'failed'])[1 + n % 3]
    FROM generate_series(1, 200000) n;

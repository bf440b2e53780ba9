CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb, at timestamp, version int, part int, tenant text);
ALTER TABLE zz_sentinel ADD COLUMN id int, ADD COLUMN aggregatetype text DEFAULT 'sentinel', ADD COLUMN aggregateid text, ADD COLUMN payload text DEFAULT '{"z": 1}', ADD COLUMN at timestamp, ADD COLUMN version int, ADD COLUMN part int, ADD COLUMN tenant text, ADD COLUMN type text;
INSERT INTO outbox VALUES
  ('11111111-1111-1111-1111-111111111111', 'order', '42', 'created', '{"id": 42, "amount": 1.5, "big": 5000000000, "none": null, "tags": ["a", "b"], "empty": [], "lines": [{"n": 1}, {"n": 2, "x": "y"}], "in": {"deep": {"er": true}}}', '2024-02-29 12:00:00.5', 1, 0, 'acme'),
  ('11111111-1111-1111-1111-111111111112', 'customer', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

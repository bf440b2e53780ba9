ALTER TABLE zz_sentinel ADD COLUMN id int, ADD COLUMN aggregatetype text DEFAULT 'sentinel', ADD COLUMN aggregateid text, ADD COLUMN payload text;

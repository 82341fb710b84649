ALTER TABLE reports DROP COLUMN missing_organizations;

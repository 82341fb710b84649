ALTER TABLE organizations DROP COLUMN email_domains;

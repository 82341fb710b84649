-- The domains of its members' emails; where there is one, a sync rejects the rows with others.
ALTER TABLE organizations ADD COLUMN email_domains text [] NOT NULL DEFAULT '{}';

-- The organizations whose rows could not be read for a report, each with the reason. Empty for a complete report.
ALTER TABLE reports ADD COLUMN missing_organizations jsonb NOT NULL DEFAULT '[]';

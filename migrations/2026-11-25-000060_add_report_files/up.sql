-- Every file of a report with its size and checksum, in the order of `Report.files`. Empty for one that was published
-- before this column was there.
ALTER TABLE reports ADD COLUMN files jsonb NOT NULL DEFAULT '[]';

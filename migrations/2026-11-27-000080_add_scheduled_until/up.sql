-- The times of the job's schedule up to this one have become runs. NULL where a release before this one knew the job;
-- registering it again fills it in.
ALTER TABLE jobs ADD COLUMN scheduled_until timestamptz;

-- The times of the job's schedule up to this one have become runs. NULL until a process that has a schedule for it starts.
ALTER TABLE jobs ADD COLUMN scheduled_until timestamptz;

-- The outcome that the newest attempt began with: what it did itself is the rest, and tells how fast it is.
ALTER TABLE job_runs ADD COLUMN began_with jsonb NOT NULL DEFAULT '{}';

ALTER TABLE organizations DROP COLUMN wave;

ALTER TABLE installation
    DROP COLUMN installation_id,
    DROP COLUMN restores;

//! A database whose disk a test can fill: from then on, Postgres refuses every write, until the test frees the disk.

use tokio_postgres::Client;

use crate::database::TestDatabase;

/// The state is kept in sequences, because a sequence is not transactional: a trigger sees its current value, and a count
/// survives the transaction that fails. The first write of each statement fails as Postgres reports a full disk.
const INSTALL: &str = "
    CREATE SCHEMA test_disk;
    CREATE SEQUENCE test_disk.is_full MINVALUE 0 START 0;
    CREATE SEQUENCE test_disk.refused MINVALUE 0 START 0;
    SELECT setval('test_disk.refused', 0);
    CREATE FUNCTION test_disk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT last_value FROM test_disk.is_full) = 1 THEN
            PERFORM nextval('test_disk.refused');
            RAISE 'could not extend the file of the table: no space left on device' USING ERRCODE = 'disk_full';
        END IF;
        RETURN NULL;
    END $$;
    GRANT USAGE ON SCHEMA test_disk TO PUBLIC;
    GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA test_disk TO PUBLIC;
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^__' LOOP
            EXECUTE format(
                'CREATE TRIGGER test_disk BEFORE INSERT OR UPDATE OR DELETE ON public.%I
                FOR EACH STATEMENT EXECUTE FUNCTION test_disk.refuse()', name);
        END LOOP;
    END $$";

/// The disk of one test database.
pub struct TestDisk {
    client: Client,
}

impl TestDisk {
    /// Adds a disk, which has space, to a migrated database.
    pub async fn install(database: &TestDatabase) -> Self {
        let client = database.client().await;
        client.batch_execute(INSTALL).await.unwrap();
        Self { client }
    }

    /// Fills the disk.
    pub async fn fill(&self) {
        self.client.query("SELECT setval('test_disk.is_full', 1)", &[]).await.unwrap();
    }

    /// Frees the disk. Returns the number of statements that it has refused so far.
    pub async fn free(&self) -> i64 {
        self.client.query("SELECT setval('test_disk.is_full', 0)", &[]).await.unwrap();
        self.refused().await
    }

    /// Returns the number of statements that the disk has refused so far.
    pub async fn refused(&self) -> i64 {
        self.client.query_one("SELECT last_value FROM test_disk.refused", &[]).await.unwrap().get(0)
    }
}

//! A log of runs, reports and migrations, written by triggers in the database of the test: the process, the time of
//! the service's clock, and the real time.

use std::{collections::BTreeMap, time::Duration};

use rollcall_testkit::TestDatabase;
use tokio_postgres::Client;

const INSTALL: &str = "
    CREATE SCHEMA test_log;
    CREATE TABLE test_log.runs (
        number bigserial PRIMARY KEY, at bigint, real bigint, who text, run uuid, old_state text, new_state text,
        old_fence bigint, new_fence bigint, old_lease bigint, migrated bigint, shared boolean
    );
    CREATE TABLE test_log.reports (real bigint, who text, run uuid, path text, fence bigint, state text);
    CREATE TABLE test_log.migrations (organization text, state text);
    CREATE TABLE test_log.jumps (number bigserial PRIMARY KEY, real bigint, ahead bigint);
    CREATE INDEX ON test_log.runs (run);
    CREATE INDEX ON test_log.reports (run);
    CREATE FUNCTION test_log.micros(t timestamptz) RETURNS bigint LANGUAGE sql AS
        'SELECT (extract(epoch FROM t) * 1000000)::bigint';
    CREATE FUNCTION test_log.note_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        INSERT INTO test_log.runs (at, real, who, run, old_state, new_state, old_fence, new_fence, old_lease, migrated,
            shared)
        VALUES (test_log.micros(test_clock.clock_timestamp()), test_log.micros(pg_catalog.clock_timestamp()),
            current_setting('application_name'), NEW.id, OLD.state, NEW.state, OLD.fence, NEW.fence,
            test_log.micros(OLD.lease_until), (NEW.outcome ->> 'organizations_migrated')::bigint,
            OLD.job = 'settings-migration' AND to_jsonb(OLD) - 'outcome' = to_jsonb(NEW) - 'outcome');
        RETURN NULL; END $$;
    CREATE FUNCTION test_log.note_report() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        INSERT INTO test_log.reports SELECT test_log.micros(pg_catalog.clock_timestamp()),
            current_setting('application_name'), NEW.run_id, NEW.path, r.fence, r.state
        FROM public.job_runs AS r WHERE r.id = NEW.run_id;
        RETURN NULL; END $$;
    CREATE FUNCTION test_log.note_migration() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        INSERT INTO test_log.migrations VALUES (NEW.organization_id, NEW.state);
        RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE ON job_runs FOR EACH ROW EXECUTE FUNCTION test_log.note_run();
    CREATE TRIGGER note AFTER INSERT ON reports FOR EACH ROW EXECUTE FUNCTION test_log.note_report();
    CREATE TRIGGER note AFTER INSERT OR UPDATE ON settings_migrations
        FOR EACH ROW EXECUTE FUNCTION test_log.note_migration()";

/// Finds writes to a run by a process that was not the lease holder, or after the end of the run: a zombie with an
/// effect. Helpers that share an in-flight migration may count its work.
const ZOMBIES: &str = "
    WITH claims AS (SELECT run, new_fence AS fence, who FROM test_log.runs WHERE new_fence > coalesce(old_fence, 0))
    SELECT 'run ' || l.run || ', fence ' || l.old_fence || ', was touched by ' || l.who
    FROM test_log.runs AS l LEFT JOIN claims AS c ON c.run = l.run AND c.fence = l.old_fence
    WHERE l.old_fence = l.new_fence AND l.old_state NOT IN ('PENDING') AND c.who IS DISTINCT FROM l.who
        AND NOT (coalesce(l.shared, false) AND l.old_state = 'RUNNING')
UNION ALL
    SELECT 'report ' || p.path || ' was published by ' || p.who || ' under fence ' || p.fence
    FROM test_log.reports AS p LEFT JOIN claims AS c ON c.run = p.run AND c.fence = p.fence
    WHERE c.who IS DISTINCT FROM p.who OR p.state <> 'RUNNING' OR p.path NOT LIKE '%/' || p.fence
UNION ALL
    SELECT 'run ' || run || ' has claims with the same fence' FROM claims GROUP BY run, fence HAVING count(*) > 1
UNION ALL
    SELECT 'run ' || run || ' has several reports' FROM test_log.reports GROUP BY run HAVING count(*) > 1
UNION ALL
    SELECT organization || ' was migrated more than once'
    FROM test_log.migrations WHERE state = 'MIGRATED' GROUP BY organization HAVING count(*) > 1
LIMIT 20";

/// A run that was taken over from a process that had not released it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takeover {
    /// The time between the end of the lease and the takeover, in microseconds. It is negative if the takeover was
    /// too early.
    pub(crate) delay: i64,
}

/// The log of one database.
pub(crate) struct Log {
    /// A direct connection to the database.
    pub(crate) sql: Client,
}

impl Log {
    /// Installs the triggers.
    pub(crate) async fn install(database: &TestDatabase) -> Self {
        let sql = database.client().await;
        sql.batch_execute(INSTALL).await.unwrap();
        let log = Self { sql };
        log.note_jump(Duration::ZERO).await;
        log
    }

    /// Records that the clock will advance. Call it before each advance: a run may be taken over right after it.
    pub(crate) async fn note_jump(&self, by: Duration) {
        let note = "INSERT INTO test_log.jumps (real, ahead)
            SELECT test_log.micros(pg_catalog.clock_timestamp()), last_value + $1 FROM test_clock.ahead";
        self.sql.execute(note, &[&i64::try_from(by.as_micros()).unwrap()]).await.unwrap();
    }

    /// Returns the number that a query selects.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.sql.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Returns the writes of zombies.
    pub(crate) async fn zombies(&self) -> Vec<String> {
        self.sql.query(ZOMBIES, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Returns the process that claimed a run last.
    pub(crate) async fn owner(&self, job: &str) -> Option<String> {
        let owner = "SELECT l.who FROM test_log.runs AS l INNER JOIN job_runs AS r ON r.id = l.run
            WHERE r.job = $1 AND r.state = 'RUNNING' AND l.new_fence = r.fence AND l.new_fence > coalesce(l.old_fence, 0)";
        self.sql.query_opt(owner, &[&job]).await.unwrap().map(|row| row.get(0))
    }

    /// Returns every takeover.
    pub(crate) async fn takeovers(&self) -> Vec<Takeover> {
        let jumps = self.sql.query("SELECT real, ahead FROM test_log.jumps ORDER BY number", &[]).await.unwrap();
        let jumps: BTreeMap<i64, i64> = jumps.iter().map(|row| (row.get(0), row.get(1))).collect();
        let taken = "SELECT old_lease, at, real FROM test_log.runs
            WHERE old_state = 'RUNNING' AND new_state = 'RUNNING' AND new_fence > old_fence";
        let takeover = |row: &tokio_postgres::Row| {
            let (lease, at, real): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
            let delay = if at < lease { at - lease } else { real - ran_out(&jumps, lease) };
            Takeover { delay }
        };
        self.sql.query(taken, &[]).await.unwrap().iter().map(takeover).collect()
    }
}

/// Returns the real time at which a lease expired: while the clock ran, or at the advance that passed its end.
fn ran_out(jumps: &BTreeMap<i64, i64>, lease: i64) -> i64 {
    let until = jumps.keys().skip(1).copied().chain([i64::MAX]);
    let passes = jumps.iter().zip(until).find(|((_, ahead), until)| until.saturating_add(**ahead) > lease);
    let ((since, ahead), _) = passes.expect("the clock is behind");
    (*since).max(lease - ahead)
}

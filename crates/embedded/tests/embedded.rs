//! The embedded Postgres with real servers, real locks and killed processes.
//!
//! Each test has its own data directory, in a place that the server's user can reach even if this process is root.

use std::env;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rollcall_embedded::{Cluster, ClusterMode, ClusterOptions, running_as_root};
use tokio_postgres::types::FromSqlOwned;
use tokio_postgres::{Client, NoTls};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A data directory that is removed with the value. A server that a failed test left there is stopped first.
struct DataDir(PathBuf);

impl DataDir {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rollcall-embedded-{}-{number}", std::process::id());
        Self(env::temp_dir().join(name))
    }

    /// Options for an exclusive cluster that is not durable, because that is faster.
    fn options(&self) -> ClusterOptions {
        ClusterOptions { durable: false, ..ClusterOptions::service(&self.0) }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // An exclusive start stops a server that still runs there.
        if self.0.exists() && Cluster::start(&self.options()).is_ok() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

async fn connect(url: &str) -> TestResult<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Returns the one value of a query, over a new connection as the superuser.
async fn ask<T: FromSqlOwned>(cluster: &Cluster, database: &str, sql: &str) -> TestResult<T> {
    Ok(connect(&cluster.superuser_url(database)).await?.query_one(sql, &[]).await?.try_get(0)?)
}

/// Returns the message of a start that must fail.
fn refusal(options: &ClusterOptions) -> TestResult<String> {
    Ok(Cluster::start(options).err().ok_or("it started")?.to_string())
}

fn postmaster_pid(data_dir: &Path) -> TestResult<u32> {
    let file = fs::read_to_string(data_dir.join("postgres/postmaster.pid"))?;
    Ok(file.lines().next().ok_or("an empty file")?.parse()?)
}

/// Returns whether a process runs. A zombie does not run.
fn runs(pid: u32) -> TestResult<bool> {
    let ps = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output()?;
    let state = String::from_utf8(ps.stdout)?;
    Ok(!state.trim().is_empty() && !state.starts_with('Z'))
}

fn kill_9(pid: u32) -> TestResult {
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status()?.success();
    killed.then_some(()).ok_or_else(|| "no such process".into())
}

/// Runs `child_that_owns_a_cluster` in a process of its own, waits until its cluster is up, and returns the superuser's
/// URL.
fn owner_process(data_dir: &DataDir, mode: &str) -> TestResult<(Child, String)> {
    let mut child = Command::new(env::current_exe()?)
        .args(["--exact", "child_that_owns_a_cluster", "--nocapture"])
        .env("ROLLCALL_TEST_DATA_DIR", &data_dir.0)
        .env("ROLLCALL_TEST_MODE", mode)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        if let Some((_, url)) = line?.split_once("url=") {
            return Ok((child, url.to_owned()));
        }
    }
    Err("the child did not start its cluster".into())
}

/// Not a test: other tests run this in a process that they kill.
#[test]
fn child_that_owns_a_cluster() -> TestResult {
    let Some(data_dir) = env::var_os("ROLLCALL_TEST_DATA_DIR") else { return Ok(()) };
    let shared = env::var("ROLLCALL_TEST_MODE")? == "shared";
    let mode = if shared { ClusterMode::Shared } else { ClusterMode::Exclusive };
    let options = ClusterOptions { mode, ..ClusterOptions::tests(data_dir) };
    let cluster = Cluster::start(&options)?;
    println!("url={}", cluster.superuser_url("postgres"));
    thread::sleep(Duration::from_secs(120)); // The test kills this process during the sleep.
    drop(cluster);
    Ok(())
}

#[tokio::test]
async fn data_is_still_there_after_a_stop_and_a_second_start() -> TestResult {
    let dir = DataDir::new();
    let cluster = Cluster::start(&ClusterOptions::service(&dir.0))?;
    assert_eq!(ask::<i32>(&cluster, "postgres", "SELECT 1").await?, 1);
    assert_eq!(ask::<String>(&cluster, "postgres", "SHOW fsync").await?, "on");
    let client = connect(&cluster.url("postgres")).await?;
    client.batch_execute("CREATE DATABASE \"roll call\"").await?;
    let client = connect(&cluster.url("roll call")).await?;
    client.batch_execute("CREATE TABLE kept AS SELECT 42 AS number").await?;
    let pid = postmaster_pid(&dir.0)?;
    cluster.stop()?;
    assert!(!runs(pid)?, "the server is gone");

    let cluster = Cluster::start(&ClusterOptions::service(&dir.0))?;
    assert_eq!(ask::<i32>(&cluster, "roll call", "SELECT number FROM kept").await?, 42);
    Ok(())
}

#[tokio::test]
async fn the_ordinary_database_role_owns_what_it_creates_and_is_no_superuser() -> TestResult {
    let dir = DataDir::new();
    let cluster = Cluster::start(&dir.options())?;
    let client = connect(&cluster.url("postgres")).await?;
    client.batch_execute("CREATE DATABASE own").await?;
    let client = connect(&cluster.url("own")).await?;
    client.batch_execute("CREATE TABLE t AS SELECT 1 AS n; ALTER TABLE t ADD COLUMN m int").await?;
    let refused = client.batch_execute("ALTER ROLE rollcall SUPERUSER").await.err().ok_or("it may")?;
    assert!(refused.as_db_error().is_some_and(|error| error.message().contains("must be superuser")), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn databases_that_an_earlier_version_created_as_the_superuser_are_taken_over() -> TestResult {
    let dir = DataDir::new();
    let cluster = Cluster::start(&dir.options())?;
    connect(&cluster.superuser_url("postgres")).await?.batch_execute("CREATE DATABASE \"roll call\"").await?;
    let old = connect(&cluster.superuser_url("roll call")).await?;
    old.batch_execute("CREATE TABLE t AS SELECT 7 AS n; CREATE INDEX i ON t (n); DROP ROLE rollcall").await?;
    drop(old);
    cluster.stop()?;

    let cluster = Cluster::start(&dir.options())?;
    let client = connect(&cluster.url("roll call")).await?;
    client.batch_execute("ALTER TABLE t ADD COLUMN m int; UPDATE t SET m = n; CREATE TABLE u ()").await?;
    let owners = "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(ask::<String>(&cluster, "roll call", owners).await?, "rollcall");
    Ok(())
}

#[tokio::test]
async fn nothing_listens_on_tcp_and_the_socket_is_private() -> TestResult {
    let dir = DataDir::new();
    let cluster = Cluster::start(&dir.options())?;
    for (setting, value) in [("listen_addresses", ""), ("fsync", "off"), ("server_encoding", "UTF8")] {
        let shown = ask::<String>(&cluster, "postgres", &format!("SHOW {setting}")).await?;
        assert_eq!(shown, value, "{setting}");
    }
    let socket_dir: String = ask(&cluster, "postgres", "SHOW unix_socket_directories").await?;
    for private in [PathBuf::from(socket_dir), dir.0.join("postgres")] {
        assert_eq!(fs::metadata(&private)?.permissions().mode() & 0o777, 0o700, "{private:?}");
    }
    Ok(())
}

#[test]
fn a_second_exclusive_start_is_refused_with_the_directory_and_the_way_out() -> TestResult {
    let dir = DataDir::new();
    let first = Cluster::start(&dir.options())?;
    let (directory, process) = (first.data_dir().display(), std::process::id());
    let message = refusal(&dir.options())?;
    assert!(message.starts_with(&format!("{directory} is in use by process {process}: ")), "{message}");
    assert!(message.contains("stop that one, or ask it with --target http://HOST:PORT"), "{message}");
    assert!(message.ends_with("(--data-dir) is another installation, with an empty database"), "{message}");
    let shared = refusal(&ClusterOptions::tests(&dir.0))?;
    assert!(shared.contains("is in use by process"), "{shared}");
    first.stop()?;
    Cluster::start(&dir.options())?.stop()?;
    Ok(())
}

#[test]
fn a_panic_stops_the_server() -> TestResult {
    let dir = DataDir::new();
    let options = dir.options();
    let panicked = thread::spawn(move || {
        let _cluster = Cluster::start(&options);
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert!(dir.0.join("postgres/PG_VERSION").exists(), "the server had started");
    assert!(!dir.0.join("postgres/postmaster.pid").exists(), "the server was stopped");
    Ok(())
}

#[tokio::test]
async fn a_start_after_kill_9_ends_the_transactions_of_the_killed_process() -> TestResult {
    let dir = DataDir::new();
    let (mut owner, url) = owner_process(&dir, "exclusive")?;
    let client = connect(&url).await?;
    client.batch_execute("CREATE TABLE t (n int)").await?;
    client.batch_execute("BEGIN; INSERT INTO t VALUES (1)").await?;
    let orphan = postmaster_pid(&dir.0)?;
    owner.kill()?;
    owner.wait()?;

    let cluster = Cluster::start(&dir.options())?;
    assert_ne!(postmaster_pid(&dir.0)?, orphan);
    assert!(client.batch_execute("COMMIT").await.is_err(), "the session is gone");
    assert_eq!(ask::<i64>(&cluster, "postgres", "SELECT count(*) FROM t").await?, 0);
    Ok(())
}

#[test]
fn a_killed_owner_leaves_no_server_behind() -> TestResult {
    let dir = DataDir::new();
    let (mut owner, _) = owner_process(&dir, "exclusive")?;
    let orphan = postmaster_pid(&dir.0)?;
    owner.kill()?;
    owner.wait()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while runs(orphan)? {
        assert!(Instant::now() < deadline, "the orphaned server still runs");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[tokio::test]
async fn a_start_after_kill_9_of_the_server_itself_recovers() -> TestResult {
    let dir = DataDir::new();
    let cluster = Cluster::start(&ClusterOptions::service(&dir.0))?;
    let client = connect(&cluster.superuser_url("postgres")).await?;
    client.batch_execute("CREATE TABLE t AS SELECT 7 AS n").await?;
    kill_9(postmaster_pid(&dir.0)?)?;
    cluster.stop()?;
    let cluster = Cluster::start(&ClusterOptions::service(&dir.0))?;
    assert_eq!(ask::<i32>(&cluster, "postgres", "SELECT n FROM t").await?, 7);
    Ok(())
}

#[tokio::test]
async fn threads_that_start_a_shared_cluster_at_once_get_the_same_one() -> TestResult {
    let dir = DataDir::new();
    let start = || Cluster::start(&ClusterOptions::tests(&dir.0));
    let clusters: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    assert_eq!(clusters.len(), 6);
    let mut started = Vec::new();
    for cluster in clusters {
        let cluster = cluster?;
        let sql = "SELECT pg_postmaster_start_time()::text";
        started.push(ask::<String>(&cluster, "postgres", sql).await?);
        cluster.stop()?;
    }
    started.dedup();
    assert_eq!(started.len(), 1, "one server: {started:?}");
    assert!(postmaster_pid(&dir.0).is_ok(), "the server still runs for the next process");
    Ok(())
}

#[tokio::test]
async fn a_shared_cluster_outlives_the_killed_process_that_started_it() -> TestResult {
    let dir = DataDir::new();
    let (mut starter, _) = owner_process(&dir, "shared")?;
    let first = postmaster_pid(&dir.0)?;
    let joined = Cluster::start(&ClusterOptions::tests(&dir.0))?;
    starter.kill()?;
    starter.wait()?;
    let refused = refusal(&dir.options())?;
    assert!(refused.contains("is in use by process"), "{refused}");
    assert_eq!(ask::<i32>(&joined, "postgres", "SELECT 1").await?, 1);
    assert_eq!(postmaster_pid(&dir.0)?, first);
    Ok(())
}

#[test]
fn a_directory_of_another_version_is_refused_with_both_versions() -> TestResult {
    let dir = DataDir::new();
    Cluster::start(&dir.options())?.stop()?;
    let version = dir.0.join("postgres/PG_VERSION");
    let installed = fs::read_to_string(&version)?;
    fs::write(&version, "9\n")?;
    let message = refusal(&dir.options())?;
    fs::write(&version, &installed)?;
    let expected = format!("was made by postgres 9, but postgres {} is installed", installed.trim());
    assert!(message.contains(&expected), "{message}");
    Ok(())
}

#[test]
fn a_directory_that_the_servers_user_cannot_reach_is_named() -> TestResult {
    if !running_as_root() {
        return Ok(()); // The server runs as the user of this process.
    }
    let closed = DataDir::new();
    fs::create_dir(&closed.0)?;
    fs::set_permissions(&closed.0, Permissions::from_mode(0o700))?;
    let home = PathBuf::from("/root");
    let home_is_closed = fs::metadata(&home)?.permissions().mode() & 0o001 == 0;
    for closed in [Some(closed.0.clone()), home_is_closed.then_some(home)].into_iter().flatten() {
        let wanted = closed.join("rollcall-embedded-test/data");
        let message = refusal(&ClusterOptions::service(&wanted))?;
        let expected = format!("cannot enter {}, on the way to {}", closed.display(), wanted.display());
        assert!(message.contains(&expected) && message.ends_with("--data-dir"), "{message}");
        assert!(!closed.join("rollcall-embedded-test").exists(), "nothing is left behind");
    }
    Ok(fs::remove_dir(&closed.0)?)
}

//! `rollcall serve` on the embedded Postgres, whose process is frozen and then killed.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::{
    fs::{Permissions, read_to_string},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

const TIMEOUT: Duration = Duration::from_secs(120);

/// Sends a signal to a process and its children.
fn signal(name: &str, pid: &str) {
    let sent = Command::new("kill").args(["-s", name, pid]).status().unwrap();
    assert!(sent.success(), "{name} {pid}");
    let _ = Command::new("pkill").args([&format!("-{name}"), "-P", pid]).status();
}

async fn reached(channel: &Channel, expected: ServingStatus) {
    let start = Instant::now();
    loop {
        let answer = HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
        if answer.get_ref().status() == expected {
            return;
        }
        assert!(start.elapsed() < TIMEOUT, "the health does not become {expected:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_postgres_is_not_healthy_and_a_dead_one_ends_the_command() {
    let dir =
        tempfile::Builder::new().prefix("rollcall-dead-").permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
    let data = dir.path().join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info", "--log-format", "json", "--no-jobs"]);
    command.arg("--data-dir").arg(&data).env_remove("DATABASE_URL").env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = lines
        .by_ref()
        .map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap())
        .find(|line| line["message"] == "serving")
        .map(|line| line["address"].as_str().unwrap().to_owned())
        .unwrap();
    let log = std::thread::spawn(move || lines.collect::<Vec<_>>());
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let pid_file = read_to_string(data.join("postgres/postmaster.pid")).unwrap();
    let pid = pid_file.lines().next().unwrap();

    reached(&channel, ServingStatus::Serving).await;
    signal("STOP", pid);
    reached(&channel, ServingStatus::NotServing).await;
    signal("CONT", pid);
    reached(&channel, ServingStatus::Serving).await;

    signal("KILL", pid);
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    let log = log.join().unwrap().join("\n");
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("the embedded Postgres has ended; its log is "), "{log}");
    let changes = log.matches("the database does not answer calls").count();
    assert!((1..=2).contains(&changes), "each change is logged once: {log}");
}

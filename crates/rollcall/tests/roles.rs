//! `rollcall serve` warns if its database role can rewrite the audit, or sees the rows of all organizations.

#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use rollcall_testkit::TestDatabase;
use tempfile::TempDir;

/// Returns the warnings in the log until the server is ready.
fn warnings(url: &str) -> Vec<String> {
    let reports = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info", "--log-format", "json", "--no-jobs"]);
    command.args(["--reports-url", &format!("file://{}", reports.path().display())]);
    command.env("DATABASE_URL", url).env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap());
    let lines: Vec<_> = lines.take_while(|line| line["message"] != "serving").collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let warnings = lines.iter().filter(|line| line["level"] == "WARN");
    warnings.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_too_many_rights_causes_one_warning_for_each() {
    let database = TestDatabase::new().await;
    assert_eq!(warnings(&database.url()), [] as [&str; 0]);
    let said = warnings(&database.superuser_url());
    let expected = ["could rewrite the audit", "sees the rows of all organizations"];
    assert!(said.iter().zip(expected).all(|(said, expected)| said.contains(expected)), "{said:?}");
    assert_eq!(said.len(), expected.len(), "{said:?}");
    // An installation from before there were policies connects as the owner, and goes on working.
    let said = warnings(&database.owner_url());
    assert!(matches!(said.as_slice(), [only] if only.contains("sees the rows of all organizations")), "{said:?}");
}

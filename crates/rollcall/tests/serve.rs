//! `rollcall serve` as a process: TLS, the commands that call it, and its end.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rollcall_proto::v1::{ListOrganizationsRequest, organization_service_client::OrganizationServiceClient};
use rollcall_testkit::{BlockedSessions, TestAuthority, TestDatabase};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// A running server. Dropping the value kills it.
struct Server {
    child: Child,
    port: u16,
    health: Option<u16>,
}

impl Server {
    fn start(database: &TestDatabase, dir: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info", "--log-format", "json", "--no-jobs"]);
        command.args(["--reports-url", &format!("file://{}", dir.join("reports").display())]).args(arguments);
        command.env("DATABASE_URL", database.url()).env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut port, mut health) = (None, None);
        while port.is_none() {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ends");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            let listening = || line["address"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().ok();
            match line["message"].as_str() {
                Some("serving") => port = listening(),
                Some("answering health checks") => health = listening(),
                _ => {}
            }
        }
        // The pipe must stay empty, or the server would wait for its reader.
        std::thread::spawn(move || log.lines().count());
        Self { child, port: port.unwrap(), health }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `rollcall job list`, and returns its error; empty if it succeeds.
fn job_list(target: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(["job", "list", "--target", target])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), text.is_empty(), "{text}");
    text
}

fn says(error: &str, text: &str) {
    assert!(error.contains(text), "{error:?} does not say {text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_call_a_server_with_tls_and_say_what_is_missing() {
    let (database, dir, authority) = (TestDatabase::new().await, TempDir::new().unwrap(), TestAuthority::new());
    let path = |name: &str| dir.path().join(name);
    let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
    let (certificate, key) = authority.server(&["localhost"]).write(dir.path());
    std::fs::write(path("ca.crt"), authority.pem()).unwrap();
    std::fs::create_dir(path("client")).unwrap();
    let (client, client_key) = authority.client("ops", "spiffe://example/ops").write(&path("client"));
    let [ca, client, client_key] = [path("ca.crt"), client, client_key].map(text);
    let callers = r#"{"certificates": [{"uri": "spiffe://example/ops", "name": "ops", "roles": ["OPERATOR"],
                       "all_organizations": true}]}"#;
    std::fs::write(path("callers.json"), callers).unwrap();
    let flags = ["--tls-cert", "--tls-key", "--tls-client-ca", "--health-listen", "--auth-config"];
    let values = [text(certificate), text(key), ca.clone(), "127.0.0.1:0".to_owned(), text(path("callers.json"))];
    let arguments: Vec<String> =
        flags.iter().zip(values).flat_map(|(flag, value)| [(*flag).to_owned(), value]).collect();
    let server = Server::start(&database, dir.path(), &arguments);
    let target = format!("https://localhost:{}", server.port);
    let all = ["--tls-ca", &ca, "--tls-client-cert", &client, "--tls-client-key", &client_key];

    assert_eq!(job_list(&target, &all), "");
    // The certificate of a client that may not call.
    std::fs::create_dir(path("other")).unwrap();
    let (other, other_key) = authority.client("other", "spiffe://example/other").write(&path("other"));
    let [other, other_key] = [other, other_key].map(text);
    let refused = ["--tls-ca", &ca, "--tls-client-cert", &other, "--tls-client-key", &other_key];
    says(&job_list(&target, &refused), "reason");
    let by_address = format!("https://127.0.0.1:{}", server.port);
    says(&job_list(&by_address, &all), "the server's certificate has another name");
    assert_eq!(job_list(&by_address, &[&all[..], &["--tls-server-name", "localhost"]].concat()), "");
    says(
        &job_list(&target, &[]),
        "give the certificate of the authority that issued the server's certificate as --tls-ca",
    );
    says(
        &job_list(&target, &all[..2]),
        "the server asks for a certificate that it accepts: give --tls-client-cert and --tls-client-key",
    );
    says(&job_list(&target, &all[..4]), "--tls-client-cert and --tls-client-key belong together");
    says(&job_list(&target, &["--tls-ca", &client_key]), "has no certificate in PEM");
    let plaintext = target.replace("https", "http");
    says(&job_list(&plaintext, &[]), "does the server use TLS? Then give an https:// address");
    says(&job_list(&plaintext, &all), "is called without TLS: give an https:// address");

    let url = format!("http://127.0.0.1:{}", server.health.unwrap());
    let mut health = HealthClient::new(Channel::from_shared(url).unwrap().connect().await.unwrap());
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status().as_str_name(), "SERVING");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_with_tls_says_that_the_server_has_none() {
    let (database, dir) = (TestDatabase::new().await, TempDir::new().unwrap());
    let server = Server::start(&database, dir.path(), &[]);
    says(&job_list(&format!("https://localhost:{}", server.port), &[]), "give an http:// address");
}

#[test]
fn half_of_the_files_of_tls_is_a_usage_error() {
    for (arguments, text) in [
        (["--tls-cert", "a.crt"], "belong together: give both, or none"),
        (["--tls-client-ca", "a.crt"], "needs a server with TLS: give --tls-cert"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .args(["serve", "--database-url", "postgres://127.0.0.1:1/x"])
            .args(arguments)
            .output()
            .unwrap();
        says(&String::from_utf8(output.stderr).unwrap(), text);
        assert_eq!(output.status.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_end_delays_a_stop_only_until_the_limit() {
    let (database, dir) = (TestDatabase::new().await, TempDir::new().unwrap());
    let arguments = ["--shutdown-timeout", "500ms"].map(str::to_owned);
    let mut server = Server::start(&database, dir.path(), &arguments);
    let locker = database.client().await;
    locker.batch_execute("BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let url = format!("http://127.0.0.1:{}", server.port);
    let call = tokio::spawn(async move {
        let mut client = OrganizationServiceClient::connect(url).await.unwrap();
        client.list_organizations(ListOrganizationsRequest::default()).await
    });
    BlockedSessions::of(&database).await.wait_for(1).await;
    let signalled = Command::new("kill").args(["-s", "TERM", &server.child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let ended = tokio::task::spawn_blocking(move || server.child.wait().unwrap());
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the server does not end").unwrap();
    assert!(ended.success(), "{ended}");
    call.await.unwrap().unwrap_err();
}

//! Commands send the token of `--token-file` to a server that requires one.

#![allow(clippy::unwrap_used)]

use std::process::Output;

use rollcall_auth::{AuthConfig, Authenticator, RefreshTimes};
use rollcall_grpc::AccessControl;
use rollcall_testkit::{TestServer, issuer::TestIssuer};
use tokio::process::Command;

async fn list_jobs(target: &str, token_file: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["job", "list", "--target", target]).env_remove("ROLLCALL_TOKEN_FILE");
    if let Some(file) = token_file {
        command.args(["--token-file", file]);
    }
    command.output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sends_its_token() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let config = AuthConfig::parse(&issuer.config()).unwrap();
    let authenticator = Authenticator::start(config, RefreshTimes::default()).unwrap();
    let target = format!("http://{}", server.serve_to(AccessControl::required(authenticator)).await);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str();

    std::fs::write(&file, issuer.token("ann", &["OPERATOR"], &["*"])).unwrap();
    let listed = list_jobs(&target, path).await;
    assert!(listed.status.success(), "{listed:?}");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("mixed-settings-report"), "{listed:?}");

    std::fs::write(&file, issuer.token("ann", &["READER"], &["*"])).unwrap();
    for (token, reason) in [(path, "PERMISSION_DENIED role=OPERATOR"), (None, "UNAUTHENTICATED")] {
        let refused = list_jobs(&target, token).await;
        let line = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{line}");
        assert!(line.contains(reason), "{line}");
    }
    let elsewhere = list_jobs("http://rollcall.invalid:50051", path).await;
    assert_eq!(elsewhere.status.code(), Some(2), "{elsewhere:?}");
    server.stop().await;
}

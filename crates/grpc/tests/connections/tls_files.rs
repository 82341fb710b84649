//! The files of TLS: what is refused at the start, and changes while the server runs.

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use rollcall_grpc::{ClientAuth, ServerTls, TlsChanges, TlsFiles};
use rollcall_testkit::{TestAuthority, TestCertificate};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{
    support::{HANGS, LIMITS, LimitedServer},
    tls::{call, list},
};

const POLL: Duration = Duration::from_millis(5);

fn files_in(dir: &Path) -> TlsFiles {
    let (certificate, key) = (dir.join("tls.crt"), dir.join("tls.key"));
    TlsFiles { certificate, key, client_ca: None, client_auth: ClientAuth::Required }
}

/// Waits until the files have changed this often.
async fn wait_for(tls: &ServerTls, used: u64, refused: u64) {
    let reached = async {
        while tls.changes() != (TlsChanges { used, refused }) {
            tokio::task::yield_now().await;
        }
    };
    timeout(HANGS, reached).await.expect("the files have changed another number of times");
}

/// Replaces the files as Kubernetes does it for a Secret: by a new directory and one symbolic link.
fn publish(dir: &Path, version: &str, certificate: &TestCertificate) {
    fs::create_dir(dir.join(version)).unwrap();
    certificate.write(&dir.join(version));
    symlink(version, dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_connections_use_changed_files_and_open_ones_stay_open() {
    let (old, new, dir) = (TestAuthority::new(), TestAuthority::new(), TempDir::new().unwrap());
    publish(dir.path(), "..1", &old.server(&["localhost"]));
    for file in ["tls.crt", "tls.key"] {
        symlink(Path::new("..data").join(file), dir.path().join(file)).unwrap();
    }
    let tls = ServerTls::open_and_poll(files_in(dir.path()), POLL).await.unwrap();
    let server = LimitedServer::start_with(LIMITS, Some(tls.clone())).await;
    let open = call(&server, &old, None).await.unwrap();
    publish(dir.path(), "..2", &new.server(&["localhost"]));
    wait_for(&tls, 1, 0).await;
    call(&server, &old, None).await.unwrap_err();
    call(&server, &new, None).await.unwrap();
    list(&open).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_changes_nothing_until_it_is_corrected() {
    let (authority, dir) = (TestAuthority::new(), TempDir::new().unwrap());
    let (certificate, _) = authority.server(&["localhost"]).write(dir.path());
    let tls = ServerTls::open_and_poll(files_in(dir.path()), POLL).await.unwrap();
    let server = LimitedServer::start_with(LIMITS, Some(tls.clone())).await;
    fs::write(&certificate, "no certificate").unwrap();
    wait_for(&tls, 0, 1).await;
    call(&server, &authority, None).await.unwrap();
    // The key of another certificate.
    fs::write(&certificate, authority.server(&["localhost"]).certificate).unwrap();
    wait_for(&tls, 0, 2).await;
    fs::remove_file(&certificate).unwrap();
    wait_for(&tls, 0, 3).await;
    call(&server, &authority, None).await.unwrap();
    let new = TestAuthority::new();
    new.server(&["localhost"]).write(dir.path());
    wait_for(&tls, 1, 3).await;
    call(&server, &new, None).await.unwrap();
}

#[tokio::test]
async fn the_error_of_a_file_names_it_and_says_what_to_do() {
    let (authority, dir) = (TestAuthority::new(), TempDir::new().unwrap());
    let (first, second) = (authority.server(&["a"]), authority.server(&["a"]));
    let refused = async |certificate: &str, key: &str, ca: Option<&str>| {
        TestCertificate { certificate: certificate.to_owned(), key: key.to_owned() }.write(dir.path());
        let client_ca = ca.map(|_| dir.path().join("ca.crt"));
        fs::write(dir.path().join("ca.crt"), ca.unwrap_or_default()).unwrap();
        let opened = ServerTls::open(TlsFiles { client_ca, ..files_in(dir.path()) }).await;
        opened.expect_err("unusable files").to_string().replace(&dir.path().display().to_string(), "")
    };
    let text = refused("", &first.key, None).await;
    assert_eq!(
        text,
        "the file /tls.crt: it has no certificate; give a file in PEM, which has a line BEGIN CERTIFICATE"
    );
    let text = refused(&first.certificate, "", None).await;
    assert!(text.starts_with("the file /tls.key: it has no private key; give an unencrypted key in PEM"), "{text}");
    let text = refused(&first.certificate, &second.key, None).await;
    assert!(text.ends_with("give a certificate and the key that belongs to it"), "{text}");
    let text = refused(&first.certificate, &first.key, Some("")).await;
    assert!(text.starts_with("the file /ca.crt: it has no certificate"), "{text}");
    let absent = ServerTls::open(files_in(Path::new("/absent"))).await.unwrap_err().to_string();
    assert!(absent.starts_with("the file /absent/tls.crt: it cannot be read: No such file"), "{absent}");
}

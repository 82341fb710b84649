//! TLS to Postgres, on a server of its own that uses it: what is verified, and what a refused connection says.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::{Db, Options, migrate, organizations::list_organizations};
use rollcall_testkit::{TestAuthority, TestCertificate};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_postgres::{Client, NoTls};

const HANGS: Duration = Duration::from_secs(60);

/// The host in the server's certificate. The address is given apart from it, so no name is looked up.
const HOST: &str = "db.example";

/// A server with TLS, and the files of its authority and of a client.
struct TlsPostgres {
    cluster: Cluster,
    port: u16,
    database: &'static str,
    files: TempDir,
    _data: TempDir,
}

/// Replaces the rules of access: a client needs a certificate whose common name is its role.
const NEEDS_CERTIFICATE: &str = "local all all trust\nhostssl all all 127.0.0.1/32 trust clientcert=verify-full\n";
/// Access for everybody, with TLS only.
const NEEDS_TLS: &str = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
/// Access for everybody.
const OPEN: &str = "local all all trust\nhost all all 127.0.0.1/32 trust\n";

impl TlsPostgres {
    async fn start(access: &str, ssl: bool) -> Self {
        let readable = fs::Permissions::from_mode(0o755);
        let data = tempfile::Builder::new().prefix("rollcall-tls-").permissions(readable).tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = ClusterOptions {
            durable: false,
            max_connections: 20,
            tcp_port: Some(port),
            ..ClusterOptions::service(data.path().join("data"))
        };
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(&options)).await.unwrap().unwrap();
        let server = Self { cluster, port, database: "postgres", files: TempDir::new().unwrap(), _data: data };
        server.configure(access, ssl).await;
        server
    }

    async fn configure(&self, access: &str, ssl: bool) {
        let authority = TestAuthority::new();
        let dir = self.cluster.data_dir().join("postgres");
        let certificate = authority.server(&[HOST]);
        for (name, content) in [
            ("server.crt", certificate.certificate.as_str()),
            ("server.key", &certificate.key),
            ("clients.crt", authority.pem()),
            ("pg_hba.conf", access),
        ] {
            let (path, owner) = (dir.join(name), fs::metadata(&dir).unwrap());
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let client = self.superuser().await;
        for setting in ["ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'", "ssl_ca_file = 'clients.crt'"] {
            client.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
        }
        client.batch_execute(&format!("ALTER SYSTEM SET ssl = {ssl}")).await.unwrap();
        client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        self.write("ca.crt", authority.pem());
        self.write("other.crt", TestAuthority::new().pem());
        self.write_client("rollcall", &authority.client("rollcall", "spiffe://example/rollcall"));
        self.write_client("other", &TestAuthority::new().client("rollcall", "spiffe://example/rollcall"));
        // Sessions that begin from now on use the settings.
        let loaded = async {
            while !self
                .superuser()
                .await
                .query_one("SHOW ssl", &[])
                .await
                .unwrap()
                .get::<_, String>(0)
                .starts_with(if ssl { "on" } else { "off" })
            {}
        };
        timeout(HANGS, loaded).await.unwrap();
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.file(name), content).unwrap();
    }

    fn write_client(&self, name: &str, client: &TestCertificate) {
        self.write(&format!("{name}.crt"), &client.certificate);
        self.write(&format!("{name}.key"), &client.key);
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    async fn superuser(&self) -> Client {
        let (client, connection) =
            tokio_postgres::connect(&self.cluster.superuser_url(self.database), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Returns a URL with these options. `DIR` stands for the directory of the files.
    fn url(&self, host: &str, options: &str) -> String {
        let options = options.replace("DIR", &self.files.path().display().to_string());
        let address = format!("{host}:{}/{}?hostaddr=127.0.0.1", self.port, self.database);
        format!("postgres://rollcall@{address}&{options}")
    }

    fn open(&self, host: &str, options: &str) -> Db {
        Db::open(&Options::new(self.url(host, options), 1)).unwrap()
    }

    /// Connects, and returns the error with its causes if that fails.
    async fn connect(&self, host: &str, options: &str) -> Result<(), String> {
        self.open(host, options).ping().await.map_err(|error| {
            let mut causes = vec![error.to_string()];
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                causes.push(error.to_string());
                cause = error.source();
            }
            causes.join(": ")
        })
    }

    /// Connects under a name that no other session has, and returns whether the session uses TLS.
    async fn session_uses_tls(&self, name: &str, options: &str) -> bool {
        let db = self.open(HOST, &format!("application_name={name}&{options}"));
        db.ping().await.unwrap();
        let sessions = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
        self.superuser().await.query_one(sessions, &[&name]).await.unwrap().get(0)
    }
}

fn is_refused(connected: Result<(), String>, text: &str) {
    let error = connected.expect_err(text);
    assert!(error.contains(text), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modes_verify_what_they_mean() {
    let server = TlsPostgres::start(OPEN, true).await;
    for (name, options) in [
        ("none", "sslmode=disable"),
        ("default", ""),
        ("require", "sslmode=require"),
        ("require_ca", "sslmode=require&sslrootcert=DIR/ca.crt"),
        ("verify_ca", "sslmode=verify-ca&sslrootcert=DIR/ca.crt"),
        ("verify_full", "sslmode=verify-full&sslrootcert=DIR/ca.crt"),
    ] {
        assert_eq!(server.session_uses_tls(name, options).await, name != "none", "{options}");
    }
    let other = "sslrootcert in DATABASE_URL must name the authority that issued the server's certificate";
    for mode in ["require", "verify-ca", "verify-full"] {
        is_refused(server.connect(HOST, &format!("sslmode={mode}&sslrootcert=DIR/other.crt")).await, other);
    }
    is_refused(server.connect(HOST, "sslmode=verify-full").await, other);
    server.connect("db.other", "sslmode=verify-ca&sslrootcert=DIR/ca.crt").await.unwrap();
    let host = server.connect("db.other", "sslmode=verify-full&sslrootcert=DIR/ca.crt").await;
    is_refused(host, "the host in DATABASE_URL must be a name in the server's certificate");
    is_refused(
        server.connect(HOST, "sslmode=verify-full&sslrootcert=DIR/none.crt").await,
        "none.crt: it cannot be read",
    );
    let migrated = migrate::run(&server.url("db.other", "sslmode=verify-full&sslrootcert=DIR/ca.crt")).await;
    assert!(format!("{:?}", migrated.unwrap_err()).contains("the host in DATABASE_URL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_if_tls_is_required() {
    let server = TlsPostgres::start(OPEN, false).await;
    server.connect(HOST, "sslmode=prefer").await.unwrap();
    let advice = "server does not support TLS; turn on `ssl` in the server's postgresql.conf";
    is_refused(server.connect(HOST, "sslmode=require").await, advice);
    is_refused(server.connect(HOST, "sslmode=verify-full&sslrootcert=DIR/ca.crt").await, advice);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown_and_read_again_for_each_session() {
    let server = TlsPostgres::start(NEEDS_CERTIFICATE, true).await;
    let options =
        |name: &str| format!("sslmode=verify-full&sslrootcert=DIR/ca.crt&sslcert=DIR/{name}.crt&sslkey=DIR/{name}.key");
    server.connect(HOST, &options("rollcall")).await.unwrap();
    is_refused(server.connect(HOST, "sslmode=require").await, "requires a valid client certificate");
    server.connect(HOST, &options("other")).await.unwrap_err();
    for file in ["crt", "key"] {
        fs::copy(server.file(&format!("rollcall.{file}")), server.file(&format!("changed.{file}"))).unwrap();
    }
    let db = server.open(HOST, &options("changed"));
    db.ping().await.unwrap();
    end_sessions(&server).await;
    fs::remove_file(server.file("changed.key")).unwrap();
    let gone = async { while db.ping().await.is_ok() {} };
    timeout(HANGS, gone).await.expect("a new session needs the key");
    fs::copy(server.file("rollcall.key"), server.file("changed.key")).unwrap();
    db.ping().await.unwrap();
}

/// Ends the sessions of the service.
async fn end_sessions(server: &TlsPostgres) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rollcall'";
    server.superuser().await.batch_execute(end).await.unwrap();
}

/// Passes connections on to a server, and keeps the code that each one begins with.
async fn relay(to: u16) -> (u16, Arc<Mutex<Vec<u32>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, codes) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(vec![])));
    let seen = codes.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut start = [0; 8];
                client.read_exact(&mut start).await.unwrap();
                seen.lock().unwrap().push(u32::from_be_bytes([start[4], start[5], start[6], start[7]]));
                let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                server.write_all(&start).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, codes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_cancelled_over_tls() {
    /// What a client sends before TLS.
    const TLS_REQUEST: u32 = 80_877_103;
    let mut server = TlsPostgres::start(NEEDS_TLS, true).await;
    let options = "sslmode=verify-full&sslrootcert=DIR/ca.crt";
    migrate::ensure_database(&server.url(HOST, options), "rollcall").await.unwrap();
    server.database = "rollcall";
    migrate::run(&server.url(HOST, options)).await.unwrap();
    let (port, codes) = relay(server.port).await;
    server.port = port;
    let db = server.open(HOST, options);
    let (locker, watcher) = (server.superuser().await, server.superuser().await);
    locker.batch_execute("BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let blocked =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rollcall' AND wait_event_type = 'Lock'";
    let wait_for = async |expected: i64| {
        let reached = async { while watcher.query_one(blocked, &[]).await.unwrap().get::<_, i64>(0) != expected {} };
        timeout(HANGS, reached).await.expect("another number of statements waits");
    };
    let reading = tokio::spawn(async move { list_organizations(&db, None, 1).await.map(drop) });
    wait_for(1).await;
    reading.abort();
    wait_for(0).await;
    // The session and the cancellation.
    assert_eq!(*codes.lock().unwrap(), [TLS_REQUEST; 2]);
}

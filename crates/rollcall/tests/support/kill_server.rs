//! The program as a separate process, on a database that outlives it.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rollcall_proto::v1::{
    assignment_service_client::AssignmentServiceClient, directory_service_client::DirectoryServiceClient,
    email_export_service_client::EmailExportServiceClient, job_service_client::JobServiceClient,
    migration_service_client::MigrationServiceClient, organization_service_client::OrganizationServiceClient,
};
use rollcall_testkit::TestDatabase;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// A running `rollcall serve`. Dropping the value kills it.
pub(crate) struct Server {
    child: Child,
    /// The address of the server.
    pub(crate) url: String,
    channel: Channel,
}

impl Server {
    /// Starts the server, and waits until it is ready.
    pub(crate) fn start(database: &TestDatabase, reports: &TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        for variable in ["ROLLCALL_NO_JOBS", "ROLLCALL_DATABASE_CONNECTIONS", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
            command.env_remove(variable);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info", "--log-format", "json"]);
        command.args(["--reports-url", &format!("file://{}", reports.path().display())]);
        command.env("DATABASE_URL", database.url()).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let begin = log.len();
            assert!(errors.read_line(&mut log).unwrap() > 0, "it ended: {log}");
            let line: serde_json::Value = serde_json::from_str(&log[begin..]).unwrap_or_default();
            if line["message"] == "serving" {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        // A full pipe would block the process, so the log is read and errors are printed.
        std::thread::spawn(move || {
            let lines = errors.lines().map_while(Result::ok);
            lines.filter(|line| line.contains(r#""level":"ERROR""#)).for_each(|line| eprintln!("{line}"));
        });
        let url = format!("http://{address}");
        let endpoint = Endpoint::from_shared(url.clone()).unwrap();
        let channel = endpoint.connect_timeout(Duration::from_secs(10)).connect_lazy();
        Self { child, url, channel }
    }

    /// Kills the process with SIGKILL, and waits for its end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// A client of `OrganizationService`.
    pub(crate) fn organizations(&self) -> OrganizationServiceClient<Channel> {
        OrganizationServiceClient::new(self.channel.clone())
    }

    /// A client of `AssignmentService`.
    pub(crate) fn assignments(&self) -> AssignmentServiceClient<Channel> {
        AssignmentServiceClient::new(self.channel.clone())
    }

    /// A client of `DirectoryService`.
    pub(crate) fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
    }

    /// A client of `MigrationService`.
    pub(crate) fn migration(&self) -> MigrationServiceClient<Channel> {
        MigrationServiceClient::new(self.channel.clone())
    }

    /// A client of `EmailExportService`.
    pub(crate) fn email_export(&self) -> EmailExportServiceClient<Channel> {
        EmailExportServiceClient::new(self.channel.clone())
    }

    /// A client of `JobService`.
    pub(crate) fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

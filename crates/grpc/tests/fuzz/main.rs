//! Fuzzing: for any request, the response is a success or an error of the contract, and accepted values are shown
//! unchanged. `PROPTEST_CASES` sets the number of cases.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

mod bytes;
mod directory;
mod fields;

use proptest::test_runner::Config;
use rollcall_testkit::{
    RefusedCall, TestServer,
    contract::Rpc,
    standard::{MigrationHistory, StandardOrganization},
};
use tokio::runtime::{Builder, Runtime};
use tonic::{Code, Status};

/// The number of cases without `PROPTEST_CASES`.
const CASES: u32 = 200;

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() }
}

/// A server with a standard organization in each phase, and a report.
struct Target {
    runtime: Runtime,
    server: TestServer,
    organizations: Vec<StandardOrganization>,
}

impl Target {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (server, organizations) = runtime.block_on(async {
            let server = TestServer::start().await;
            let mut organizations = Vec::new();
            for (id, history) in [
                ("carried", MigrationHistory::MigratedByJob),
                ("migrated", MigrationHistory::CreatedMigrated),
                ("legacy", MigrationHistory::Legacy),
            ] {
                organizations.push(StandardOrganization::create(&server, id, history).await.unwrap());
            }
            let report = organizations[0].make("JobService/RunJob", r#"{"name": "jobs/mixed-settings-report"}"#).await;
            report.unwrap();
            (server, organizations)
        });
        Self { runtime, server, organizations }
    }

    /// Makes a call. The error describes a violation of the contract, with the encoded request.
    fn call(&self, rpc: &Rpc, request: Vec<u8>) -> Result<(), String> {
        let shown = format!("{} {:02x?}", rpc.name(), request);
        let answered = self.runtime.block_on(rpc.call_bytes(&self.server.channel(), request));
        answered.map(drop).or_else(|status| documented(&status)).map_err(|why| format!("{shown}: {why}"))
    }

    fn end(self) {
        self.runtime.block_on(self.server.stop());
    }
}

/// Checks that an error belongs to the contract and that the caller can act on it.
fn documented(status: &Status) -> Result<(), String> {
    const CODES: [Code; 6] = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::Aborted,
        Code::FailedPrecondition,
        Code::OutOfRange,
    ];
    let refusal = RefusedCall::of(status)?;
    match CODES.contains(&refusal.code) {
        true => Ok(()),
        false => Err(format!("{:?} {} {}", refusal.code, refusal.reason, refusal.message)),
    }
}

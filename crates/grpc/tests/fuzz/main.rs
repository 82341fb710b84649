//! Fuzzing: whatever is sent, the answer is a success or an error of the contract, and what was taken is
//! shown as it was given. `PROPTEST_CASES` asks for more.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod bytes;
mod directory;
mod fields;

use proptest::test_runner::Config;
use rollcall_testkit::{
    Refusal, TestServer,
    contract::Rpc,
    standard::{Past, Standard},
};
use tokio::runtime::{Builder, Runtime};
use tonic::{Code, Status};

/// How many cases are tried when nobody says.
const CASES: u32 = 200;

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() }
}

/// A server with a standard organization in each phase, and a report.
struct Target {
    runtime: Runtime,
    server: TestServer,
    organizations: Vec<Standard>,
}

impl Target {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (server, organizations) = runtime.block_on(async {
            let server = TestServer::start().await;
            let mut organizations = Vec::new();
            for (id, past) in [("carried", Past::Carried), ("migrated", Past::Migrated), ("legacy", Past::Legacy)] {
                organizations.push(Standard::create(&server, id, past).await.unwrap());
            }
            let report = organizations[0].make("JobService/RunJob", r#"{"name": "jobs/mixed-settings-report"}"#).await;
            report.unwrap();
            (server, organizations)
        });
        Self { runtime, server, organizations }
    }

    /// Calls, and tells what about the answer is not as the contract has it, with the line that calls.
    fn call(&self, rpc: &Rpc, request: Vec<u8>) -> Result<(), String> {
        let shown = format!("{} {:02x?}", rpc.name(), request);
        let answered = self.runtime.block_on(rpc.call_bytes(&self.server.channel(), request));
        answered.map(drop).or_else(|status| documented(&status)).map_err(|why| format!("{shown}: {why}"))
    }

    fn end(self) {
        self.runtime.block_on(self.server.stop());
    }
}

/// An error that a caller can act on, and not one of ours.
fn documented(status: &Status) -> Result<(), String> {
    const CODES: [Code; 6] = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::Aborted,
        Code::FailedPrecondition,
        Code::OutOfRange,
    ];
    let refusal = Refusal::of(status)?;
    match CODES.contains(&refusal.code) {
        true => Ok(()),
        false => Err(format!("{:?} {} {}", refusal.code, refusal.reason, refusal.message)),
    }
}

//! The health of each service: SERVING only while the service can answer its calls.
//!
//! The database does not answer the calls of a service after two probes in a row without an answer: when it is stopped or
//! frozen, or when all connections are in use for several seconds. It does again after one answer. Checks of email export
//! are also answered from memory, for a limited time.

use std::time::Duration;

use rollcall_app::{App, Probe};
use rollcall_decisions::Decisions;
use rollcall_proto::v1::email_export_service_server::EmailExportServiceServer;
use tokio::time::sleep;
use tonic::server::NamedService as _;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The name whose health says only that the process lives. A restart does not help while the database is away, so a
/// liveness probe asks for this name.
pub(crate) const PROCESS: &str = "process";

/// The time between two probes.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a probe waits for an answer.
const LIMIT: Duration = Duration::from_secs(2);
/// After this many probes without an answer a service is not healthy.
const MISSES: u32 = 2;

/// What the probes have shown about one kind of connections.
#[derive(Debug, Default)]
struct Availability {
    misses: u32,
}

impl Availability {
    /// Notes a probe, and returns whether the calls are served, if that changes.
    fn note(&mut self, answered: bool) -> Option<bool> {
        let before = self.misses;
        self.misses = if answered { 0 } else { before.saturating_add(1) };
        match (before >= MISSES, self.misses >= MISSES) {
            (false, true) => Some(false),
            (true, false) => Some(true),
            _ => None,
        }
    }

    fn is_served(&self) -> bool {
        self.misses < MISSES
    }
}

/// Sets the health of the services, and of the whole server, for as long as the future is polled. It never ends. The
/// server is healthy while it can answer the calls of any service. `decisions` are those of a server that answers checks.
pub(crate) async fn watch(
    app: &App,
    decisions: Option<&Decisions>,
    health: &HealthReporter,
    services: &[&'static str],
) {
    let (mut calls, mut checks) = (Availability::default(), Availability::default());
    let mut shown = (true, true);
    loop {
        sleep(INTERVAL).await;
        let probe: Probe = app.probe(LIMIT).await;
        calls.note(probe.calls).into_iter().for_each(|served| log(served, "calls"));
        checks.note(probe.checks).into_iter().for_each(|served| log(served, "checks of email export"));
        let has_memory = || decisions.is_some_and(Decisions::can_answer_without_store);
        let served = (calls.is_served(), checks.is_served() || has_memory());
        if served == shown {
            continue;
        }
        shown = served;
        for service in services {
            let is_check = *service == EmailExportServiceServer::<()>::NAME;
            set(health, service, if is_check { served.1 } else { served.0 }).await;
        }
        set(health, "", served.0 || served.1).await;
    }
}

/// Sets whether a name of the health service is served.
pub(crate) async fn set(health: &HealthReporter, name: &str, served: bool) {
    let status = if served { ServingStatus::Serving } else { ServingStatus::NotServing };
    health.set_service_status(name, status).await;
}

fn log(served: bool, what: &str) {
    if served {
        tracing::info!("the database answers {what} again");
    } else {
        tracing::error!(
            "the database does not answer {what}, or all their connections are in use: what needs it is NOT_SERVING until \
             it does; check that Postgres runs and accepts connections, and see --database-connections"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_misses_in_a_row_end_the_service_and_one_answer_begins_it_again() {
        let mut calls = Availability::default();
        let probes = [true, false, true, false, false, false, true, true, false, false];
        let noted = probes.map(|answered| calls.note(answered));
        let (ends, begins) = (Some(false), Some(true));
        assert_eq!(noted, [None, None, None, None, ends, None, begins, None, None, ends]);
    }
}

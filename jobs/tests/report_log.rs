//! What the log says about organizations whose rows a report cannot read. This test is alone in its process: other tests,
//! on threads without a log, would decide for `tracing` which lines are of interest.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use support::{
    database,
    report_faults::{break_reads, corrupt, create_mixed},
    reports::{attempt, claim},
    seed::connect,
};

/// The lines that are logged on this thread.
#[derive(Clone, Default)]
struct LogLines(Arc<Mutex<Vec<u8>>>);

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// One thread, so that everything is logged on this thread.
#[tokio::test]
async fn the_log_names_organization_statement_and_cause() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    for organization in ["a", "b", "c1", "c2", "c3"] {
        create_mixed(&client, organization).await;
    }
    corrupt(&client, "b", "m2").await;
    let log = LogLines::default();
    let writer = log.clone();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish());
    let mut expected = vec![("b", "statement `list_reported_members`", "`NONSENSE`")];
    let claimed = claim(&app).await;
    if break_reads(&database, &client, "c%").await {
        // This attempt fails.
        assert!(app.publish_mixed_report(&attempt(&claimed)).await.is_err());
        expected.push(("c3", "statement `list_reported_assignments`", "the disk is broken"));
    } else {
        assert!(app.publish_mixed_report(&attempt(&claimed)).await.is_ok());
    }

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (organization, statement, cause) in expected {
        let logged = lines.iter().map(|line| &line["fields"]).any(|fields| {
            let logged = fields["cause"].as_str().unwrap_or_default();
            fields["organization"] == organization && logged.contains(statement) && logged.contains(cause)
        });
        assert!(logged, "{organization} {cause}: {text}");
    }
}

//! What the log says about a settings migration that fails. This test is alone in its process: other tests, on threads
//! without a log, would decide for `tracing` which lines are of interest.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use support::{
    database,
    migration::{run_patiently, seed},
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
    seed(&client, 3).await;
    let event = "BEFORE UPDATE ON members FOR EACH ROW WHEN (NEW.organization_id = 'org-01')";
    let log = LogLines::default();
    let writer = log.clone();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish());
    database.database.create_trigger("fault", event, "RAISE 'the disk is full' USING ERRCODE = '53100'").await;
    assert_eq!(run_patiently(&app).await.outcome["organizations_set_aside"], 1);
    database.database.drop_trigger("fault", "members").await;
    database.database.create_trigger("damage", event, "NEW.email_export = 'NONSENSE'").await;
    assert_eq!(run_patiently(&app).await.outcome["organizations_failed"], 1);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for cause in ["statement `migrate_members`: the disk is full", "violates check constraint \"members_email_export\""]
    {
        let logged = lines.iter().map(|line| &line["fields"]).any(|fields| {
            let logged = fields["cause"].as_str().unwrap_or_default();
            fields["organization"] == "org-01"
                && logged.contains("statement `migrate_members`")
                && logged.contains(cause)
        });
        assert!(logged, "{cause}: {text}");
    }
}

//! Two servers on one database: what one writes, the other answers.

use std::time::Duration;

use rollcall_proto::v1::{CheckEmailExportRequest, EmailExport, UpdateMode};
use rollcall_testkit::{DecisionOptions, TestServer};
use tokio::time::timeout;

use crate::{PATIENCE, ask, choose, create, never_polling, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_becomes_visible_on_the_other_server_by_polling_or_by_a_signal_alone() {
    let server = TestServer::start().await;
    let polling = DecisionOptions { listen: false, ..DecisionOptions::default() };
    let listening = DecisionOptions { listen: true, ..never_polling() };
    for (id, options) in [("polling", polling), ("listening", listening)] {
        becomes_visible(&server, id, options).await;
    }
}

async fn becomes_visible(server: &TestServer, id: &'static str, options: DecisionOptions) {
    let org = create(server, id).await;
    let replica = server.start_replica(&server.database.url(), options).await;
    if options.listen {
        wait_for_listeners(server, 2).await;
    }
    for export in [false, true, false] {
        assert_eq!(ask(replica.email_export(), question(&org, "ada")).await.unwrap().export, !export);
        let revision = choose(server, &org, export).await;
        // The server that has written never answers from before its write.
        let own = ask(server.email_export(), question(&org, "ada")).await.unwrap();
        assert_eq!((own.export, &own.revision), (export, &revision));
        let visible =
            async { while ask(replica.email_export(), question(&org, "ada")).await.unwrap().revision != revision {} };
        timeout(PATIENCE, visible).await.expect("the write does not become visible");
        assert_eq!(ask(replica.email_export(), question(&org, "ada")).await.unwrap().export, export);
    }
}

/// Waits until this many processes listen.
async fn wait_for_listeners(server: &TestServer, count: i64) {
    let client = server.database.client().await;
    let sql = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query = 'LISTEN rollcall_revisions'";
    let listening = async {
        while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) < count {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, listening).await.expect("too few processes listen");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_not_older_than_the_revision_that_the_caller_knows() {
    let server = TestServer::start().await;
    let org = create(&server, "acme").await;
    let replica = server.start_replica(&server.database.url(), never_polling()).await;
    let mut known = ask(replica.email_export(), question(&org, "ada")).await.unwrap().revision;
    for export in [false, true, false, true] {
        let revision = choose(&server, &org, export).await;
        // Without a revision, this server answers what it knows, and says so.
        let old = ask(replica.email_export(), question(&org, "ada")).await.unwrap();
        assert_eq!((old.export, &old.revision), (!export, &known));
        let at_least = CheckEmailExportRequest { at_least_revision: revision.clone(), ..question(&org, "ada") };
        let new = ask(replica.email_export(), at_least).await.unwrap();
        assert_eq!((new.export, &new.revision), (export, &revision));
        known = revision;
    }
    choose(&server, &org, false).await;
    let consistent = CheckEmailExportRequest { fully_consistent: true, ..question(&org, "ada") };
    assert!(!ask(replica.email_export(), consistent).await.unwrap().export);
    assert!(ask(replica.email_export(), question(&org, "ada")).await.unwrap().export, "memory learns nothing of it");
}

/// Keeps all tables, as a backup does.
const BACK_UP: &str = "CREATE SCHEMA backup;
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('CREATE TABLE backup.%1$I AS TABLE public.%1$I', name);
        END LOOP;
    END $$";

/// Makes all tables what they were.
const RESTORE: &str = "BEGIN; SET LOCAL session_replication_role = replica;
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'backup' LOOP
            EXECUTE format('DELETE FROM public.%1$I', name);
            EXECUTE format('INSERT INTO public.%1$I SELECT * FROM backup.%1$I', name);
        END LOOP;
    END $$; COMMIT";

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_loaded_again() {
    let server = TestServer::start().await;
    if server.database.has_citus().await {
        return;
    }
    let org = create(&server, "acme").await;
    // The restore and the writes after it are usually between two polls.
    let options = DecisionOptions { poll_interval: Duration::from_secs(2), ..DecisionOptions::default() };
    let replica = server.start_replica(&server.database.url(), options).await;
    let client = server.database.client().await;
    client.batch_execute(BACK_UP).await.unwrap();
    choose(&server, &org, false).await;
    let newest = choose(&server, &org, true).await;
    for client in [server.email_export(), replica.email_export()] {
        assert_eq!(ask(client, question(&org, "ada")).await.unwrap().revision, newest);
    }
    client.batch_execute(RESTORE).await.unwrap();
    // The same revision is another state after the restore.
    org.assign("other", &["eng"], UpdateMode::ManualEditing, Some(EmailExport::DoNotExport)).await;
    assert_eq!(choose(&server, &org, false).await, newest);
    for client in [server.email_export(), replica.email_export()] {
        let follows = async { while ask(client.clone(), question(&org, "ada")).await.unwrap().export {} };
        timeout(PATIENCE, follows).await.expect("the restored state does not become visible");
    }
}

//! The page of the report, on a real Postgres and a real directory.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use rollcall_app::{
    App, Error,
    reports::{MANIFEST_FILE, PAGE_FILE, Report, ReportAttempt},
};
use rollcall_store::jobs;
use support::{
    Database, database,
    report_faults::{corrupt, create_mixed},
    reports::{REPORT, attempt, claim, publish},
    seed::{connect, seed},
};

/// Reads a file of a folder of the report store.
fn read(database: &Database, folder: &str, file: &str) -> String {
    let root = url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap();
    fs::read_to_string(root.join(folder).join(file)).unwrap()
}

fn page(database: &Database, report: &Report) -> String {
    read(database, &report.path, PAGE_FILE)
}

async fn publish_next(app: &App) -> Report {
    let claimed = claim(app).await;
    let report = publish(app, &claimed).await;
    jobs::finish_run(app.db(), claimed.fence, &jobs::RunCounts::new(), Some(&report.id)).await.unwrap();
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_of_a_run_writes_the_same_page() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    publish_next(&app).await;
    // The first attempt loses its lease, and writes its page in spite of that. The second one is stopped after an
    // organization. The third one publishes the report.
    let zombie = claim(&app).await;
    jobs::extend_lease(app.db(), zombie.fence, Duration::ZERO).await.unwrap();
    let heir = jobs::claim_run(app.db(), REPORT, Duration::from_secs(60)).await.unwrap().unwrap();
    let refused = app.publish_mixed_report(&attempt(&zombie)).await;
    assert!(matches!(refused, Err(Error::FenceLost)), "{refused:?}");
    let asked = AtomicUsize::new(0);
    let stopped = || asked.fetch_add(1, Ordering::Relaxed) > 0;
    let attempt = ReportAttempt { stopped: &stopped, ..attempt(&heir) };
    assert_eq!(app.publish_mixed_report(&attempt).await.unwrap(), None);
    let report = publish(&app, &heir).await;
    let of_zombie = report.path.replace(&format!("/{}", heir.fence.number), &format!("/{}", zombie.fence.number));
    assert_ne!(of_zombie, report.path);
    let page = page(&database, &report);
    assert_eq!(page, read(&database, &of_zombie, PAGE_FILE));
    assert!(page.contains("2 assignments are mixed") && page.contains("id=\"acme_sales\""), "{page}");
    // The manifests differ, because they have the time of the reading.
    assert_ne!(read(&database, &report.path, MANIFEST_FILE), read(&database, &of_zombie, MANIFEST_FILE));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_escaped() {
    let database = database().await;
    let client = connect(&database).await;
    seed(&client).await;
    let hostile = "</h4><script>alert('1')</script>\"&";
    client.execute("UPDATE assignments SET display_name = $1 WHERE id = 'sales'", &[&hostile]).await.unwrap();
    let page = page(&database, &publish_next(&database.app()).await);
    let escaped = "&#60;/h4&#62;&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#34;&#38;";
    assert_eq!((page.matches(escaped).count(), page.matches("<script").count()), (3, 0), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_report_has_a_page() {
    let database = database().await;
    let page = page(&database, &publish_next(&database.app()).await);
    assert!(page.contains("Nothing needs action.") && page.contains("No assignment is mixed."), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_organizations_and_changes_are_named() {
    let database = database().await;
    let app = database.app();
    let client = connect(&database).await;
    seed(&client).await;
    let first = publish_next(&app).await;
    assert!(page(&database, &first).contains("There is no earlier report to compare with."));
    create_mixed(&client, "bad").await;
    corrupt(&client, "bad", "m1").await;
    create_mixed(&client, "new").await;
    client.batch_execute("UPDATE members SET email_export = 'EXPORT' WHERE id = 'm5'").await.unwrap();
    let page = page(&database, &publish_next(&app).await);
    let compared = format!("Compared with the report of {}", first.data_as_of.format("%-d %B %Y, %H:%M UTC"));
    for text in [
        "The report lacks 1 organization</strong>",
        "<strong>bad</strong> <span class=\"muted\">(INVALID_ROWS)</span>",
        "2 assignments that need action",
        &compared,
        "Newly mixed: 1 assignment</caption>",
        "<a href=\"#new_sales\"><bdi>Sales</bdi></a> <span class=\"of\">new</span>",
        "Resolved: 1 assignment</caption>",
        "<bdi>Support</bdi> <span class=\"of\">acme</span>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("id=\"bad_"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plot_has_the_last_report_of_each_day() {
    let database = database().await;
    let app = database.app();
    let client = connect(&database).await;
    publish_next(&app).await;
    seed(&client).await;
    publish_next(&app).await;
    publish_next(&app).await;
    let moved = "
        UPDATE job_runs SET scheduled_for = scheduled_for - interval '29 days' WHERE id = (
            SELECT run_id FROM reports WHERE mixed_assignment_count = 0);
        UPDATE job_runs SET scheduled_for = scheduled_for - interval '31 days' WHERE id = (
            SELECT run_id FROM reports WHERE mixed_assignment_count = 2 ORDER BY published_at LIMIT 1);";
    client.batch_execute(moved).await.unwrap();
    let page = page(&database, &publish_next(&app).await);
    assert!(page.contains("<desc id=\"plot-description\">2 nights have a report."), "{page}");
    assert!(page.contains("; the highest number is 2.</desc>"), "{page}");
    assert_eq!(
        (page.matches("<td class=\"number\">no report</td>").count(), page.matches("<circle").count()),
        (28, 28)
    );
}

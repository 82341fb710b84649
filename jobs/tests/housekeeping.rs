//! The rows and files that housekeeping removes and keeps, on a real Postgres and a real directory.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{
    fs::{self, File, FileTimes},
    path::{Path, PathBuf},
    time::Duration,
};

use rollcall_app::{
    App, AppOptions, Error, PruneCounts,
    reports::{LATEST_FILE, REPORT_FOLDER, Report},
};
use rollcall_store::jobs::{self, ClaimedRun, RunState};
use support::{
    Database, database,
    jobs::runs_of,
    reports::{REPORT, claim, claim_of, publish},
    seed::connect,
};

const JOB: &str = "housekeeping";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn root(database: &Database) -> PathBuf {
    url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap()
}

async fn published(app: &App) -> Report {
    let claimed = claim(app).await;
    let report = publish(app, &claimed).await;
    jobs::finish_run(app.db(), claimed.fence, &jobs::RunCounts::new(), Some(&report.id)).await.unwrap();
    report
}

async fn prune(app: &App) -> PruneCounts {
    let claimed = claim_of(app, JOB).await;
    let deleted = app.prune(claimed.fence, &|| false).await.unwrap().unwrap();
    jobs::finish_run(app.db(), claimed.fence, &jobs::RunCounts::new(), None).await.unwrap();
    deleted
}

/// Makes every report and run older by a number of days.
async fn age(database: &Database, days: u32) {
    let sql = format!(
        "UPDATE reports SET published_at = published_at - interval '{days} days', data_as_of = data_as_of - interval '{days} days';
        UPDATE job_runs SET scheduled_for = scheduled_for - interval '{days} days',
            started_at = started_at - interval '{days} days', ended_at = ended_at - interval '{days} days';"
    );
    connect(database).await.batch_execute(&sql).await.unwrap();
}

/// Makes a folder and its files older.
fn age_files(folder: &Path, by: Duration) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age_files(&path, by);
        } else {
            touch(&path, by);
        }
    }
    touch(folder, by);
}

fn touch(path: &Path, by: Duration) {
    let file = File::open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap() - by;
    file.set_times(FileTimes::new().set_modified(modified)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_reports_are_removed_with_their_files_and_the_newest_stays() {
    let database = database().await;
    let app = database.app();
    let (old, newest) = (published(&app).await, published(&app).await);
    let folder = |report: &Report| root(&database).join(&report.path);
    assert_eq!(prune(&app).await, PruneCounts::default());
    age(&database, 91).await;
    assert_eq!(prune(&app).await, PruneCounts { reports: 1, runs: 2, ..Default::default() });
    let left: Vec<String> = app.list_reports(None, 10).await.unwrap().into_iter().map(|report| report.id).collect();
    assert_eq!(left, std::slice::from_ref(&newest.id));
    assert!(!folder(&old).exists() && !folder(&old).parent().unwrap().exists());
    assert!(folder(&newest).join("manifest.json").exists());
    let latest = fs::read_to_string(root(&database).join(REPORT_FOLDER).join(LATEST_FILE)).unwrap();
    assert!(latest.contains(&newest.path["mixed-settings/".len()..]), "{latest}");

    let next = published(&app).await;
    assert_eq!(prune(&app).await.reports, 1, "no longer the newest");
    assert!(!folder(&newest).exists() && folder(&next).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_options_set_the_retention() {
    let database = database().await;
    let week = AppOptions { keep_reports: 7 * DAY, keep_runs: 400 * DAY, ..AppOptions::default() };
    let app = database.app().with_options(week);
    published(&app).await;
    published(&app).await;
    jobs::fail_run(app.db(), claim(&app).await.fence, "no", &jobs::RunCounts::new()).await.unwrap();
    age(&database, 6).await;
    assert_eq!(prune(&app).await, PruneCounts::default());
    age(&database, 2).await;
    assert_eq!(prune(&app).await, PruneCounts { reports: 1, ..Default::default() });
    age(&database, 391).await;
    assert_eq!(prune(&app).await.runs, 0);
    age(&database, 2).await;
    assert_eq!(prune(&app).await.runs, 1);
    let kept = app.list_reports(None, 10).await.unwrap().remove(0).run;
    assert_eq!(runs_of(&app, REPORT).await[1].id, kept, "the report that is left keeps its run");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_a_report_are_removed_after_a_day() {
    let database = database().await;
    let app = database.app();
    let report = published(&app).await;
    let attempt = |name: &str| {
        let folder = root(&database).join(REPORT_FOLDER).join(name);
        fs::create_dir_all(&folder).unwrap();
        // An unfinished file has such a name.
        fs::write(folder.join("mixed-settings.csv#1"), "organization,").unwrap();
        folder
    };
    let young = attempt("mixed-settings-1/1");
    let (old, beside) = (attempt("mixed-settings-2/1"), attempt("mixed-settings-2/2"));
    age_files(&old, DAY + Duration::from_secs(60));
    age_files(&young, DAY - Duration::from_secs(60));
    age_files(&root(&database).join(&report.path), 300 * DAY);
    assert_eq!(prune(&app).await, PruneCounts { leftovers: 1, ..Default::default() });
    assert!(young.exists() && !old.exists() && beside.exists());
    assert!(root(&database).join(&report.path).join("manifest.json").exists());
    // The row was removed, and then the process died.
    connect(&database).await.batch_execute("DELETE FROM reports").await.unwrap();
    assert_eq!(prune(&app).await.leftovers, 1);
    assert!(!root(&database).join(&report.path).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_in_flight_run_stay_whatever_the_clock_of_the_store() {
    let database = database().await;
    let app = database.app();
    let claimed = claim(&app).await;
    let report = publish(&app, &claimed).await;
    // The last step of the run is missing, and the clock of the store is days behind that of the database.
    connect(&database).await.batch_execute("DELETE FROM reports").await.unwrap();
    age_files(&root(&database), 3 * DAY);
    assert_eq!(prune(&app).await, PruneCounts::default());
    assert!(root(&database).join(&report.path).join("manifest.json").exists());
    jobs::fail_run(app.db(), claimed.fence, "no", &jobs::RunCounts::new()).await.unwrap();
    assert_eq!(prune(&app).await.leftovers, 1);
    assert!(!root(&database).join(&report.path).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_runs_are_removed_except_the_newest_of_each_job_and_unfinished_ones() {
    let database = database().await;
    let app = database.app();
    for _ in 0..3 {
        let ClaimedRun { fence, .. } = claim_of(&app, "quiet").await;
        jobs::fail_run(app.db(), fence, "no", &jobs::RunCounts::new()).await.unwrap();
    }
    let newest = runs_of(&app, "quiet").await.remove(0);
    let waiting = [1, 2].map(|day| newest.scheduled_for + chrono::TimeDelta::days(day));
    jobs::register_jobs(app.db(), &["busy"], &[]).await.unwrap();
    for time in waiting {
        jobs::schedule_run(app.db(), "busy", time, &[]).await.unwrap();
    }
    age(&database, 91).await;
    assert_eq!(prune(&app).await, PruneCounts { runs: 2, ..Default::default() });
    let left = runs_of(&app, "quiet").await;
    assert_eq!(left.iter().map(|run| (run.id, run.state)).collect::<Vec<_>>(), [(newest.id, RunState::Failed)]);
    assert_eq!(runs_of(&app, "busy").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_the_lease_removes_nothing() {
    let database = database().await;
    let app = database.app();
    published(&app).await;
    published(&app).await;
    age(&database, 91).await;
    let zombie = claim_of(&app, JOB).await;
    jobs::extend_lease(app.db(), zombie.fence, Duration::ZERO).await.unwrap();
    jobs::claim_run(app.db(), JOB, DAY).await.unwrap().unwrap();
    let refused = app.prune(zombie.fence, &|| false).await;
    assert!(matches!(refused, Err(Error::FenceLost)), "{refused:?}");
    assert_eq!(app.list_reports(None, 10).await.unwrap().len(), 2);
    assert_eq!(runs_of(&app, REPORT).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_removes_and_counts() {
    let database = database().await;
    let app = database.app();
    published(&app).await;
    published(&app).await;
    age(&database, 91).await;
    let run = rollcall_jobs::run_in_process(&app, JOB, std::future::pending(), |_| {}).await.unwrap();
    assert_eq!((run.state, run.failure), (RunState::Succeeded, None));
    let counts = [("leftovers", 0), ("reports", 1), ("runs", 1)];
    assert_eq!(run.outcome, counts.map(|(name, count)| (name.to_owned(), count)).into());
}

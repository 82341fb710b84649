//! The list of jobs: the next, current and last run of each job.

use chrono::{DateTime, Timelike as _, Utc};
use rollcall_proto::v1::{Job, JobRunState, ListJobsRequest, Phase};
use rollcall_testkit::{JobOptions, Org, Schedule, TestServer, TimeZone, refused};

use super::{MIGRATION, REPORT, over, run};

async fn jobs(server: &TestServer) -> Vec<Job> {
    server.jobs().list_jobs(ListJobsRequest::default()).await.unwrap().into_inner().jobs
}

/// Returns the job with a name.
fn named<'a>(jobs: &'a [Job], name: &str) -> &'a Job {
    jobs.iter().find(|job| job.name == format!("jobs/{name}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_with_their_next_current_and_last_runs() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    let fresh = jobs(&server).await;
    let shown = |job: &Job| format!("{} | {} | {}", job.name, job.schedule, job.time_zone);
    let names: Vec<String> = fresh.iter().map(shown).collect();
    let expected = [
        "jobs/housekeeping | 30 3 * * * | UTC",
        "jobs/migration-changes |  | ",
        "jobs/mixed-settings-report | 0 2 * * * | UTC",
        "jobs/self-check | 0 4 * * * | UTC",
        "jobs/settings-migration |  | ",
    ];
    assert_eq!(names, expected);
    for job in &fresh {
        assert!(!job.description.is_empty() && job.current_run.is_none() && job.last_run.is_none(), "{job:?}");
    }
    let (report, migration) = (named(&fresh, REPORT), named(&fresh, MIGRATION));
    assert_eq!(migration.next_run_time, None);
    let next = report.next_run_time.unwrap();
    let next: DateTime<Utc> = DateTime::from_timestamp(next.seconds, next.nanos.unsigned_abs()).unwrap();
    let clock = server.database.client().await.query_one("SELECT clock_timestamp()::text", &[]).await.unwrap();
    let now: DateTime<Utc> = DateTime::parse_from_str(clock.get(0), "%Y-%m-%d %H:%M:%S%.f%#z").unwrap().into();
    assert_eq!((next.hour(), next.minute(), next.second()), (2, 0, 0));
    assert!(next > now && next - now <= chrono::TimeDelta::days(1), "{next} {now}");

    let first = org.run_job(REPORT).await;
    let client = server.database.client().await;
    // The migration waits for the locked organization.
    client.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'acme' FOR UPDATE").await.unwrap();
    let open = server.jobs().run_job(run(MIGRATION, Some(0))).await.unwrap().into_inner().run.unwrap();
    let busy = jobs(&server).await;
    assert_eq!((&named(&busy, REPORT).current_run, &named(&busy, REPORT).last_run), (&None, &Some(first)));
    let busy_migration = named(&busy, MIGRATION);
    let current = busy_migration.current_run.clone().unwrap();
    assert!([JobRunState::Pending, JobRunState::Running].contains(&current.state()), "{current:?}");
    assert_eq!((current.name, &busy_migration.last_run), (open.name.clone(), &None));
    client.batch_execute("COMMIT").await.unwrap();
    let done = over(&server, &open.name).await;
    let idle = jobs(&server).await;
    let idle_migration = named(&idle, MIGRATION);
    assert_eq!((&idle_migration.current_run, &idle_migration.last_run), (&None, &Some(done)));
    let last = org.run_job(MIGRATION).await;
    assert_eq!(named(&jobs(&server).await, MIGRATION).last_run, Some(last), "the newest");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_is_listed_with_its_configured_schedule_and_time_zone() {
    let report_schedule = Schedule { cron: "30 2 * * *".into(), time_zone: TimeZone::Asia__Kolkata };
    let server = TestServer::start_with(JobOptions { report_schedule }).await;
    let jobs = jobs(&server).await;
    let report = named(&jobs, REPORT);
    assert_eq!((report.name.as_str(), report.schedule.as_str()), ("jobs/mixed-settings-report", "30 2 * * *"));
    assert_eq!(report.time_zone, "Asia/Kolkata");
    // 02:30 in India is 21:00 UTC.
    assert_eq!(report.next_run_time.unwrap().seconds.rem_euclid(24 * 60 * 60), 21 * 60 * 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_in_pages() {
    let server = TestServer::start().await;
    let all = jobs(&server).await;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListJobsRequest { page_size: 1, page_token };
        let page = server.jobs().list_jobs(request).await.unwrap().into_inner();
        assert_eq!(page.jobs.len(), 1);
        found.extend(page.jobs);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, all);
    for (request, field) in [
        (ListJobsRequest { page_size: -1, ..Default::default() }, "page_size"),
        (ListJobsRequest { page_token: "nonsense".to_owned(), ..Default::default() }, "page_token"),
    ] {
        let expected = format!("InvalidArgument INVALID_REQUEST {field}");
        assert_eq!(refused(server.jobs().list_jobs(request)).await, expected);
    }
}

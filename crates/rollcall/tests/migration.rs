//! `rollcall migration` and `job list`, as an operator uses them.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use rollcall_proto::v1::{
    DirectoryMember, GetJobRunRequest, JobRunState, MemberStatus, Phase, RunJobRequest, SyncDirectoryRequest,
};
use rollcall_testkit::{Member, Org, TestServer};

const HEADER: &str = "email,export\n";

/// Runs the program on the database of the test without a server, or on its server.
fn rollcall(server: &TestServer, on: On, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    for variable in ["ROLLCALL_LOG", "ROLLCALL_MIGRATION_WAVE", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        command.env_remove(variable);
    }
    command.env("DATABASE_URL", server.database.url());
    command.env("ROLLCALL_REPORTS_URL", url::Url::from_directory_path(server.reports()).unwrap().as_str());
    command.args(arguments).stdin(Stdio::null());
    if on == On::Server {
        command.arg("--target").arg(format!("http://{}", server.address));
    }
    command.output().unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Database,
    Server,
}

/// Returns the output of a command that must end with this code.
fn printed(output: Output, code: i32) -> (String, String) {
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    (out, err)
}

async fn legacy<'a>(server: &'a TestServer, id: &'a str) -> Org<'a> {
    let org = Org::create(server, id, Phase::Legacy).await;
    org.sync(&[Member::new("a", &[]), Member::new("b", &[]), Member::new("c", &[])]).await;
    org
}

fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_an_import_has_an_outcome() {
    let server = TestServer::start().await;
    let org = legacy(&server, "acme").await;
    let dir = tempfile::tempdir().unwrap();
    let rows = "a@acme.example,true\nA@acme.example,TRUE\n=b@acme.example,true\nb@acme.example,true\n\
                b@acme.example,false\nlater@x.example,true\nnonsense,true\nc@acme.example,perhaps\nc@acme.example\n";
    let bad = [HEADER.as_bytes(), rows.as_bytes(), b"\xfcnic\xf6de@x.example,true\n"].concat();
    let (file, outcomes) = (write(dir.path(), "bad.csv", bad), dir.path().join("outcomes.csv"));
    let arguments = ["migration", "import", &file, "--organization", "acme", "--outcomes", outcomes.to_str().unwrap()];
    let expected = "line,email,outcome,reason\r\n\
        2,a@acme.example,taken,\r\n\
        3,A@acme.example,duplicate,an earlier row has the same address and the same value\r\n\
        4,'=b@acme.example,waiting,no member has this address; the setting is kept until a member is synced with it\r\n\
        5,b@acme.example,rejected,rows of this import contradict each other about this address; keep one of them\r\n\
        6,b@acme.example,rejected,rows of this import contradict each other about this address; keep one of them\r\n\
        7,later@x.example,waiting,no member has this address; the setting is kept until a member is synced with it\r\n\
        8,nonsense,rejected,`nonsense` is not an email address such as name@company.example\r\n\
        9,c@acme.example,rejected,\"export is `perhaps`, not true or false\"\r\n\
        10,c@acme.example,rejected,it has 1 fields and the header has 2\r\n\
        11,\u{fffd}nic\u{fffd}de@x.example,rejected,this is not UTF-8; save the file as UTF-8\r\n";
    let checked = rollcall(&server, On::Server, &[&arguments[..], &["--validate-only"]].concat());
    let (summary, errors) = printed(checked, 1);
    assert!(summary.contains("checked, nothing was written") && errors.contains("6 rows were rejected"), "{errors}");
    assert_eq!(std::fs::read_to_string(&outcomes).unwrap(), expected);
    assert!(!org.check("a", None).await.export, "it was only checked");
    let (summary, errors) = printed(rollcall(&server, On::Database, &arguments), 1);
    let counts = ["10 rows of", "  1 taken, of members", "  2 taken, and waiting", "  1 duplicates", "  6 rejected"];
    assert!(counts.iter().all(|count| summary.contains(count)), "{summary}");
    assert!(errors.contains("rejected line 9 \"c@acme.example\""), "{errors}");
    assert_eq!(std::fs::read_to_string(&outcomes).unwrap(), expected);
    assert!(org.check_in_store("a").await.export);
    // If all rows are accepted, the exit code is 0.
    let good = write(dir.path(), "good.csv", format!("{HEADER}a@acme.example,false\nlater@x.example,true\n"));
    printed(rollcall(&server, On::Server, &["migration", "import", &good, "--organization", "acme"]), 0);
    assert!(!org.check("a", None).await.export);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_file_or_organization_changes_nothing() {
    let server = TestServer::start().await;
    legacy(&server, "acme").await;
    let dir = tempfile::tempdir().unwrap();
    let good = write(dir.path(), "good.csv", format!("{HEADER}a@acme.example,true\n"));
    let utf16 = write(dir.path(), "utf16.csv", b"\xff\xfee\0m\0a\0i\0l\0");
    let columns = write(dir.path(), "columns.csv", "email,exported\na@acme.example,true\n");
    for (file, organization, code, why) in [
        (utf16.as_str(), "acme", 1, "UTF-16"),
        (&columns, "acme", 1, "no column `export`"),
        ("/no/such/file", "acme", 1, "cannot read"),
        ("/dev/null", "acme", 2, "regular file"),
        (&good, "nobody", 1, "ORGANIZATION_NOT_FOUND"),
        (&good, "No Id", 2, "--organization"),
    ] {
        let asked = ["migration", "import", file, "--organization", organization];
        let (out, err) = printed(rollcall(&server, On::Server, &asked), code);
        assert!(out.is_empty() && err.contains(why), "{err}");
    }
    let link = dir.path().join("link.csv");
    std::fs::hard_link(&good, &link).unwrap();
    for outcomes in [good.as_str(), link.to_str().unwrap()] {
        let asked = ["migration", "import", &good, "--organization", "acme", "--outcomes", outcomes];
        let (_, err) = printed(rollcall(&server, On::Server, &asked), 2);
        assert!(err.contains("would overwrite"), "{err}");
    }
    assert_eq!(std::fs::read_to_string(&good).unwrap(), format!("{HEADER}a@acme.example,true\n"));
    let imports = "SELECT FROM audit_events WHERE method = 'ImportLegacySettings'";
    assert!(server.database.client().await.query(imports, &[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_does_not_overwrite_another_organization() {
    let server = TestServer::start().await;
    // The organization is in phase LEGACY and has few assignments, like an interrupted import of the sample. It is so
    // large that replacing it would exceed the mass change limit.
    let org = legacy(&server, "acme").await;
    let member = |number: usize| DirectoryMember {
        member: format!("m{number}"),
        email: org.email(&format!("m{number}")),
        status: MemberStatus::Active.into(),
        ..Default::default()
    };
    let rows = SyncDirectoryRequest { members: (0..100).map(member).collect(), ..org.full_sync(&[]) };
    server.directory().sync_directory(tokio_stream::once(rows)).await.unwrap();
    let writes = "SELECT method FROM audit_events";
    let before = server.database.client().await.query(writes, &[]).await.unwrap().len();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/sample/acme");
    let (_, err) = printed(rollcall(&server, On::Server, &["import", folder]), 1);
    assert!(err.contains("another directory: the folder would change 100 of its members"), "{err}");
    assert_eq!(server.database.client().await.query(writes, &[]).await.unwrap().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_is_planned_migrated_and_its_failure_named() {
    let server = TestServer::start().await;
    for (id, wave) in [("acme", 0), ("beta", 0), ("late", 1)] {
        let org = legacy(&server, id).await;
        org.import(&[("a", true), ("b", true)]).await;
        let client = server.database.client().await;
        client.execute("UPDATE organizations SET wave = $1 WHERE id = $2", &[&wave, &id]).await.unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("plan.csv");
    let asked = ["migration", "plan", "--wave", "0", "--csv", csv.to_str().unwrap()];
    let (summary, _) = printed(rollcall(&server, On::Database, &asked), 0);
    assert!(summary.starts_with("organizations that would be migrated: 2\n"), "{summary}");
    let expected = "organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
        members_exporting,members_not_exporting\r\n\
        acme,default,Default,1,MANUAL_EDITING,false,2,1\r\nbeta,default,Default,1,MANUAL_EDITING,false,2,1\r\n";
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), expected);

    // One member's setting is changed inside the transaction of the migration.
    let fault = "CREATE FUNCTION flip() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NEW.email_export = 'EXPORT'; RETURN NEW; END $$;
        CREATE TRIGGER flip BEFORE UPDATE ON members FOR EACH ROW
            WHEN (NEW.organization_id = 'beta' AND NEW.id = 'c') EXECUTE FUNCTION flip()";
    server.database.client().await.batch_execute(fault).await.unwrap();
    let (out, err) = printed(rollcall(&server, On::Server, &["job", "run", "settings-migration"]), 1);
    assert!(out.contains("organizations_migrated 1") && out.contains("organizations_failed 1"), "{out}");
    assert!(
        err.contains("1 organization was not migrated: beta: 1 of 3 members would have behaved differently"),
        "{err}"
    );
    for on in [On::Server, On::Database] {
        let (status, _) = printed(rollcall(&server, on, &["migration", "status"]), 0);
        let lines: Vec<&str> = status.lines().collect();
        assert_eq!(
            lines[1..5],
            [
                "   0        0         1       1            0",
                "   1        1         0       0            0",
                " all        1         1       1            0",
                "",
            ]
        );
        assert!(status.contains("no run is in progress") && status.contains("  beta: 1 of 3 members"), "{status}");
        let (jobs, _) = printed(rollcall(&server, on, &["job", "list"]), 0);
        assert!(jobs.contains("settings-migration: only on request\n  last: FAILED at "), "{jobs}");
        assert!(jobs.contains("mixed-settings-report: 0 2 * * * UTC, next at "), "{jobs}");
    }
    // The late organization is migrated with wave 0.
    server.database.client().await.batch_execute("UPDATE organizations SET wave = 0 WHERE id = 'late'").await.unwrap();
    let (out, _) = printed(rollcall(&server, On::Database, &["job", "run", "settings-migration"]), 0);
    assert!(out.contains("organizations_migrated 1") && out.contains("organizations_skipped 1"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_rolled_back_retried_and_moved_by_name_filter_and_file() {
    let server = TestServer::start().await;
    for id in ["acme", "beta", "gamma"] {
        legacy(&server, id).await.import(&[("a", true)]).await;
    }
    printed(rollcall(&server, On::Server, &["job", "run", "settings-migration"]), 0);
    let chosen = "UPDATE settings_migrations SET chosen_assignment = 'default' WHERE organization_id = 'gamma'";
    server.database.client().await.batch_execute(chosen).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "names.txt", "\u{feff}# the first wave\r\nacme\r\n\norganizations/gamma\nacme\n");

    // What can be changed is shown first. The exit code says that something would be refused.
    let check = ["migration", "rollback", "--file", &file, "--validate-only"];
    let refused = "  gamma: the migration of `gamma` cannot be rolled back: a value was chosen on the assignment `default` \
        after the migration; change its assignments and members instead (MIGRATION_ROLLBACK_TOO_LATE)";
    let expected = format!(
        "checked, nothing was written\norganizations that would change: 1\norganizations that need no change: 0\n\
        organizations that would be refused: 1\n\nwould change:\n  acme\n\nrefused, and not changed:\n{refused}\n"
    );
    for on in [On::Server, On::Database] {
        let (out, err) = printed(rollcall(&server, on, &check), 1);
        assert_eq!(out, expected);
        assert!(err.contains("1 organization would be refused"), "{err}");
    }
    let (out, err) = printed(rollcall(&server, On::Server, &check[..4]), 1);
    assert!(out.contains("SUCCEEDED\n  organizations_changed 1\n  organizations_refused 1\n"), "{out}");
    assert!(out.contains(refused) && err.contains("1 organization was refused"), "{out}{err}");
    // Without a server, the command itself runs the job.
    let filter = ["migration", "rollback", "--filter", "state = MIGRATED AND wave = 0"];
    let (out, _) = printed(rollcall(&server, On::Database, &filter), 1);
    assert!(out.contains("organizations_changed 1") && out.contains("organizations_total 2"), "{out}");
    let (out, _) = printed(rollcall(&server, On::Server, &["migration", "retry", "beta"]), 0);
    assert!(out.contains("organizations_changed 1"), "{out}");
    let (out, _) =
        printed(rollcall(&server, On::Server, &["migration", "wave", "3", "--filter", "state=ROLLED_BACK"]), 0);
    assert!(out.contains("organizations_changed 1"), "{out}");
    let rows = "SELECT string_agg(id || ' ' || wave || ' ' || state, ', ' ORDER BY id)
        FROM organizations LEFT JOIN settings_migrations ON organization_id = id";
    let rows: String = server.database.client().await.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(rows, "acme 3 ROLLED_BACK, beta 0 PENDING, gamma 0 MIGRATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_selection_changes_nothing() {
    let server = TestServer::start().await;
    legacy(&server, "acme").await;
    let dir = tempfile::tempdir().unwrap();
    let many: String = (0..10_001).map(|number| format!("o{number}\n")).collect();
    let (many, empty) = (write(dir.path(), "many.txt", many), write(dir.path(), "empty.txt", "\n# nothing\n"));
    let bad = write(dir.path(), "bad.txt", "acme\nNo Id\n");
    for (arguments, code, why) in [
        (&["retry"][..], 2, "--filter"),
        (&["retry", "acme", "--filter", "wave = 1"], 2, "cannot be used with"),
        (&["retry", "No Id"], 2, "organization"),
        (&["retry", "--filter", "wave > 1"], 2, "`wave = N`"),
        (&["retry", "--filter", ""], 2, "`wave = N`"),
        (&["retry", "--file", &many], 2, "at most 10000; split the file"),
        (&["retry", "--file", &empty], 2, "names no organization"),
        (&["retry", "--file", &bad], 2, "bad.txt, line 2: give an organization's id"),
        (&["retry", "--file", "/no/such/file"], 1, "cannot read /no/such/file"),
        (&["retry", "nobody"], 1, "ORGANIZATION_NOT_FOUND"),
        (&["wave", "-1", "acme"], 2, "-1"),
        (&["wave", "two", "acme"], 2, "give a whole number"),
        (&["cancel"], 1, "no run of the settings migration is in progress"),
        (&["cancel", "jobs/settings-migration"], 1, "jobs/{job}/runs/{run}"),
    ] {
        let (out, err) = printed(rollcall(&server, On::Server, &[&["migration"], arguments].concat()), code);
        assert!(out.is_empty() && err.contains(why), "{arguments:?}: {out}{err}");
    }
    let runs = "SELECT FROM job_runs WHERE job = 'migration-changes'";
    assert!(server.database.client().await.query(runs, &[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_progress_is_cancelled() {
    let server = TestServer::start().await;
    legacy(&server, "acme").await;
    legacy(&server, "beta").await;
    let mut holder = server.database.client().await;
    let held = holder.transaction().await.unwrap();
    held.execute("SELECT FROM organizations FOR UPDATE", &[]).await.unwrap();
    let request = RunJobRequest {
        name: "jobs/settings-migration".to_owned(),
        wait_timeout: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let run = server.jobs().run_job(request).await.unwrap().into_inner().run.unwrap().name;
    let (out, _) = printed(rollcall(&server, On::Server, &["migration", "cancel", "--validate-only"]), 0);
    assert_eq!(out, format!("{run} would stop\n"));
    let (out, _) = printed(rollcall(&server, On::Server, &["migration", "cancel"]), 0);
    let stopped = [format!("{run} stops after its current organization"), format!("{run} was stopped")];
    assert!(stopped.iter().any(|text| out.starts_with(text)), "{out}");
    // The process that runs the job learns of the request when it next extends its lease.
    let leases = server.database.client().await;
    let lease = "SELECT lease_until::text FROM job_runs WHERE job = 'settings-migration' AND state = 'RUNNING'";
    let first = leases.query_opt(lease, &[]).await.unwrap().map(|row| row.get::<_, String>(0));
    while first.is_some() && leases.query_opt(lease, &[]).await.unwrap().map(|row| row.get(0)) == first {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    held.rollback().await.unwrap();
    let ended = loop {
        let request = GetJobRunRequest { name: run.clone() };
        let found = server.jobs().get_job_run(request).await.unwrap().into_inner().run.unwrap();
        if ![JobRunState::Pending, JobRunState::Running].contains(&found.state()) {
            break found;
        }
    };
    assert_eq!(ended.state(), JobRunState::Cancelled);
    let (out, _) = printed(rollcall(&server, On::Server, &["migration", "cancel", &run]), 0);
    assert_eq!(out, format!("{run} was stopped; what it has done stays done\n"));
}

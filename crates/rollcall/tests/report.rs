//! `rollcall report`: a published report, a report with each kind of damage, and the commands that list, download and
//! take over reports.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rollcall_app::{
    App, Error,
    reports::{Checksum, ReportStore},
};
use rollcall_proto::v1::{Phase, UpdateMode};
use rollcall_testkit::{Member, Org, TestDatabase, TestServer};
use serde_json::{Value, json};
use tempfile::TempDir;

const DATA: &str = "mixed-settings.csv";

fn verify(url: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollcall")).args(["report", "verify", url]).output().unwrap()
}

/// Returns the exit code and the printed lines, with every checksum as `#`.
fn verdict(url: &str) -> (Option<i32>, Vec<String>) {
    let output = verify(url);
    let is_checksum = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = |word: &str| {
        if is_checksum(word.trim_end_matches(',')) {
            word.replace(word.trim_end_matches(','), "#")
        } else {
            word.to_owned()
        }
    };
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| line.split(' ').map(plain).collect::<Vec<_>>().join(" ")).collect();
    (output.status.code(), lines)
}

/// Publishes two reports of an organization with two mixed assignments.
async fn published() -> TestServer {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    let members = ["a", "b", "c", "d"].map(|id| Member::new(id, if id < "c" { &["sales"] } else { &["ops"] }));
    org.sync(&members).await;
    org.assign("sales", &["sales"], UpdateMode::AutomaticUpdates, None).await;
    org.assign("operations", &["ops"], UpdateMode::ManualEditing, None).await;
    org.run_job("mixed-settings-report").await;
    org.import(&[("a", true), ("c", true)]).await;
    org.migrate().await;
    org.run_job("mixed-settings-report").await;
    server
}

/// A copy of the reports for a damage.
struct Copy {
    root: TempDir,
}

impl Copy {
    fn of(server: &TestServer) -> Self {
        let root = TempDir::new().unwrap();
        copy(&server.reports().join("mixed-settings"), &root.path().join("mixed-settings"));
        Self { root }
    }

    fn latest(&self) -> PathBuf {
        self.root.path().join("mixed-settings/latest.json")
    }

    fn folder(&self) -> PathBuf {
        let latest: Value = serde_json::from_slice(&fs::read(self.latest()).unwrap()).unwrap();
        self.root.path().join("mixed-settings").join(latest["path"].as_str().unwrap())
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder().display())
    }

    fn manifest(&self, edit: impl FnOnce(&mut Value)) {
        let path = self.folder().join("manifest.json");
        let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        edit(&mut manifest);
        fs::write(path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    }

    fn edit(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.folder().join(file);
        fs::write(&path, edit(fs::read_to_string(&path).unwrap())).unwrap();
    }

    /// Changes the data file, and writes the new size and checksum to the manifest.
    fn edit_data(&self, edit: impl FnOnce(String) -> String) {
        self.edit(DATA, edit);
        let bytes = fs::read(self.folder().join(DATA)).unwrap();
        let mut checksum = Checksum::default();
        checksum.update(&bytes);
        let sha256 = checksum.sha256();
        self.manifest(|manifest| {
            (manifest["bytes"], manifest["sha256"]) = (json!(bytes.len()), json!(sha256));
            let file = &mut manifest["files"][0];
            (file["bytes"], file["sha256"]) = (json!(bytes.len()), json!(sha256));
        });
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

fn swapped(csv: &str) -> String {
    let mut lines: Vec<&str> = csv.split_inclusive("\r\n").collect();
    lines.swap(1, 2);
    lines.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_valid_under_each_of_its_urls() {
    let server = published().await;
    let copy = Copy::of(&server);
    let report = copy.folder().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let latest = format!("file://{}", copy.latest().display());
    for url in [copy.url(), format!("{}/", copy.url()), format!("{}/manifest.json", copy.url()), latest] {
        let (code, lines) = verdict(&url);
        assert_eq!((code, lines.len()), (Some(0), 1), "{lines:?}");
        assert!(lines[0].starts_with(&format!("ok: {report}, data as of ")), "{lines:?}");
        assert!(lines[0].ends_with(", 5 files, 4 rows of 2 mixed assignments in 1 organizations"), "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_version_without_the_page_is_valid() {
    let copy = Copy::of(&published().await);
    fs::remove_file(copy.folder().join("index.html")).unwrap();
    copy.manifest(|manifest| drop(manifest["files"].as_array_mut().unwrap().remove(3)));
    let (code, lines) = verdict(&copy.url());
    assert_eq!((code, lines.len()), (Some(0), 1), "{lines:?}");
    assert!(lines[0].contains(", 4 files, 4 rows"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_organizations_are_named() {
    let copy = Copy::of(&published().await);
    let missing = |organization: &str| json!({ "organization": organization, "reason": "INVALID_ROWS" });
    copy.manifest(|manifest| manifest["missing_organizations"] = json!([missing("bad")]));
    let (code, lines) = verdict(&copy.url());
    assert_eq!((code, lines.last().unwrap().as_str()), (Some(0), "missing: bad, INVALID_ROWS"), "{lines:?}");
    copy.manifest(|manifest| manifest["missing_organizations"] = json!([missing("acme")]));
    let problems = [
        "manifest.json: it has counts of acme, which it also lists as missing",
        "mixed-settings.csv: it has rows of acme, which the manifest lists as missing",
        "changes.csv: it has rows of acme, which the manifest lists as missing",
    ];
    assert_eq!(verdict(&copy.url()), (Some(1), problems.map(str::to_owned).to_vec()));
}

type Damage = fn(&Copy);

const DAMAGES: &[(Damage, &[&str])] = &[
    (|copy| fs::remove_file(copy.folder().join(DATA)).unwrap(), &["mixed-settings.csv: it is missing"]),
    (
        |copy| fs::remove_file(copy.folder().join("manifest.json")).unwrap(),
        &["manifest.json: it is missing, so this is no published report"],
    ),
    (
        |copy| copy.edit("changes.csv", |csv| csv[..csv.rfind("acme").unwrap()].to_owned()),
        &[
            "changes.csv: it has 191 bytes, the manifest says 258",
            "changes.csv: its SHA-256 is #, the manifest says #",
            "changes.csv: it has 1 rows, the manifest says 2",
        ],
    ),
    (
        |copy| copy.edit(DATA, |csv| csv.replacen("acme", "acne", 1)),
        &[
            "mixed-settings.csv: its SHA-256 is #, the manifest says #",
            "mixed-settings.csv: row 2 is out of order",
            "mixed-settings.csv: acme has 3 rows, the manifest says 4",
            "mixed-settings.csv: the manifest does not list \"acne\"",
        ],
    ),
    (|copy| fs::write(copy.folder().join("notes.txt"), "").unwrap(), &["notes.txt: manifest.json does not list it"]),
    (|copy| copy.edit_data(|csv| swapped(&csv)), &["mixed-settings.csv: row 2 is out of order"]),
    (
        |copy| copy.edit_data(|csv| csv.replacen("email,status", "mail,status", 1)),
        &["mixed-settings.csv: its header is not the columns of the manifest"],
    ),
    (
        |copy| copy.edit_data(|csv| csv.replacen("MIGRATION\r\n", "MIGRATION,more\r\n", 1)),
        &[
            "mixed-settings.csv: row 1 has another number of cells than the header",
            "mixed-settings.csv: acme has 3 rows, the manifest says 4",
        ],
    ),
    (
        |copy| copy.edit_data(|csv| csv.replacen("sales", "\"sales", 1)),
        &[
            "mixed-settings.csv: row 1 has another number of cells than the header",
            "mixed-settings.csv: it has 1 rows, the manifest says 4",
            "mixed-settings.csv: acme has 0 rows, the manifest says 4",
        ],
    ),
    (
        |copy| copy.manifest(|manifest| manifest["rows"] = json!(5)),
        &[
            "manifest.json: it describes the data file twice, and the two descriptions differ",
            "manifest.json: rows is not the sum of the rows of the organizations",
        ],
    ),
    (
        |copy| copy.manifest(|manifest| drop(manifest["files"].as_array_mut().unwrap().remove(1))),
        &["manifest.json: it does not list changes.csv", "changes.csv: manifest.json does not list it"],
    ),
    (
        |copy| copy.manifest(|manifest| manifest["schema_version"] = json!(2)),
        &["manifest.json: its schema_version is 2, but this program reads version 1"],
    ),
    (
        |copy| copy.manifest(|manifest| manifest["changes"]["resolved"] = json!(9)),
        &["manifest.json: the number of changes is not the number of rows of changes.csv"],
    ),
    (
        |copy| copy.edit("manifest.json", |_| String::new()),
        &["manifest.json: it cannot be read: EOF while parsing a value at line 1 column 0"],
    ),
    (
        |copy| copy.edit("index.html", |page| page.replace("acme", "acne")),
        &["index.html: its SHA-256 is #, the manifest says #"],
    ),
    (|copy| fs::remove_file(copy.folder().join("index.html")).unwrap(), &["index.html: it is missing"]),
    (
        |copy| {
            copy.edit("mixed-settings.schema.json", |text| text.replace("\"name\": \"email\"", "\"name\": \"mails\""))
        },
        &[
            "mixed-settings.schema.json: its SHA-256 is #, the manifest says #",
            "mixed-settings.schema.json: its fields are not the columns of the data file",
        ],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_damage_is_reported_on_its_own_line() {
    let server = published().await;
    let mut said = Vec::new();
    for (damage, _) in DAMAGES {
        let copy = Copy::of(&server);
        damage(&copy);
        said.push(verdict(&copy.url()));
    }
    let lines = |expected: &[&str]| expected.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(said, DAMAGES.iter().map(|(_, expected)| (Some(1), lines(expected))).collect::<Vec<_>>());
    let copy = Copy::of(&server);
    copy.manifest(|manifest| manifest["run"] = json!("jobs/other"));
    let (code, lines) = verdict(&format!("file://{}", copy.latest().display()));
    assert_eq!((code, lines), (Some(1), vec!["manifest.json: its SHA-256 is #, latest.json says #".to_owned()]));
}

/// Runs a command on a database with a reports directory.
fn on_database(arguments: &[&str], database: &TestDatabase, reports: &TempDir) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(arguments).args(["--reports-url", &format!("file://{}", reports.path().display())]);
    command.env("DATABASE_URL", database.url()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_owns_the_reports_only_after_it_takes_over() {
    let (database, reports) = (TestDatabase::new().await, TempDir::new().unwrap());
    let store = ReportStore::open(&format!("file://{}", reports.path().display())).unwrap();
    let app = App::new(database.db(), store);
    app.check_reports_owner().await.unwrap();
    let output = on_database(&["restored"], &database, &reports);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("rollcall report take-over"));
    let refused = app.check_reports_owner().await.unwrap_err();
    assert!(matches!(refused, Error::NotReportsOwner { .. }), "{refused:?}");
    let output = on_database(&["report", "take-over"], &database, &reports);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("this installation owns the reports in file://"), "{said}");
    app.check_reports_owner().await.unwrap();
}

/// Runs a command on a server, on a machine without a desktop.
fn on_server(arguments: &[&str], server: &TestServer) -> (Option<i32>, String, String) {
    on_desktop(arguments, server, &[])
}

/// Runs a command on a server, with these variables of a desktop.
fn on_desktop(arguments: &[&str], server: &TestServer, desktop: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").envs(desktop.iter().copied());
    let output = command.args(arguments).args(["--target", &format!("http://{}", server.address)]).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_listed_and_downloaded() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = published().await;
    let (code, listed, _) = on_server(&["report", "list"], &server);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 2), "{listed}");
    assert!(lines[0].ends_with(", 4 rows of 2 mixed assignments in 1 organizations"), "{listed}");
    assert!(lines[1].ends_with(", 0 rows of 0 mixed assignments in 1 organizations"), "{listed}");
    let [newest, oldest] = [0, 1].map(|line| lines[line].split(':').next().unwrap().to_owned());

    let root = TempDir::new().unwrap();
    let output = root.path().join("report.csv");
    let to = output.to_str().unwrap();
    fs::write(&output, "old").unwrap();
    let (code, said, _) = on_server(&["report", "download", "--output", to], &server);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with(&format!("reports/{newest}: ")) && said.contains(to), "{said}");
    let published = Copy::of(&server).folder();
    let published = server.reports().join(published.strip_prefix(published.ancestors().nth(3).unwrap()).unwrap());
    assert_eq!(fs::read(&output).unwrap(), fs::read(published.join(DATA)).unwrap());
    assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o600);

    let (code, _, _) = on_server(&["report", "download", &oldest, "--file", "changes.csv", "--output", to], &server);
    assert_eq!((code, fs::read_to_string(&output).unwrap().lines().count()), (Some(0), 1));
    let before = fs::read(&output).unwrap();
    for (report, file) in [("moon", DATA), (newest.as_str(), "moon.csv")] {
        let (code, _, error) = on_server(&["report", "download", report, "--file", file, "--output", to], &server);
        assert_eq!(code, Some(1));
        assert!(error.contains("REPORT_NOT_FOUND"), "{error}");
        assert_eq!(fs::read(&output).unwrap(), before);
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_opened_with_the_files_that_it_links_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = published().await;
    let root = TempDir::new().unwrap();
    let (output, programs) = (root.path().join("report"), root.path().join("programs"));
    let to = output.to_str().unwrap();
    let page = output.join("index.html").display().to_string();
    let (code, said, _) = on_server(&["report", "open", "--output", to], &server);
    let no_desktop = format!("this machine has no desktop, so open this file in a browser: {page}");
    assert_eq!((code, said.lines().last()), (Some(0), Some(no_desktop.as_str())), "{said}");
    assert!(said.contains(&format!(": 5 files in {to}")), "{said}");
    assert!(verdict(&format!("file://{to}")).1[0].starts_with("ok: "));

    // A desktop whose opener writes down what it opens.
    fs::create_dir(&programs).unwrap();
    let (opener, opened) = (programs.join("xdg-open"), root.path().join("opened"));
    let script = format!("#!/bin/sh\nprintf %s \"$1\" >'{0}.part' && mv '{0}.part' '{0}'\n", opened.display());
    fs::write(&opener, script).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o700)).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let desktop = [("DISPLAY", ":0"), ("PATH", path.as_str()), ("TMPDIR", root.path().to_str().unwrap())];
    let (code, said, _) = on_desktop(&["report", "open"], &server, &desktop);
    let page = said.lines().last().unwrap().strip_prefix("opened ").unwrap().to_owned();
    assert_eq!(code, Some(0), "{said}");
    let directory = Path::new(&page).parent().unwrap();
    assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !opened.exists() {
        assert!(std::time::Instant::now() < deadline, "the opener was not started");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(fs::read_to_string(&opened).unwrap(), page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_version_without_the_page_cannot_be_opened() {
    let server = published().await;
    let forget = "UPDATE reports SET files = (
        SELECT jsonb_agg(file) FROM jsonb_array_elements(files) AS file WHERE file ->> 'file' <> 'index.html')";
    server.database.client().await.batch_execute(forget).await.unwrap();
    let (code, _, error) = on_server(&["report", "open"], &server);
    assert_eq!(code, Some(1));
    assert!(error.contains("was written by an older version and has no page"), "{error}");
    let (code, _, error) = on_server(&["report", "open", "moon"], &server);
    assert_eq!(code, Some(1));
    assert!(error.contains("REPORT_NOT_FOUND"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_on_the_page_settles_the_assignment() {
    let server = published().await;
    let page = fs::read_to_string(Copy::of(&server).folder().join("index.html")).unwrap();
    let command = page.lines().find_map(|line| line.strip_prefix("<pre><code>rollcall assignment ")).unwrap();
    let command = command.strip_suffix(" --target http://localhost:50051</code></pre>").unwrap();
    let command: Vec<&str> = ["assignment"].into_iter().chain(command.split(' ')).collect();
    assert_eq!(command[1..], ["choose", "DO_NOT_EXPORT", "--organization", "acme", "--assignment", "sales"]);
    let (code, said, _) = on_server(&[&command[..], &["--validate-only"]].concat(), &server);
    let name = "organizations/acme/assignments/sales";
    let preview = format!("DO_NOT_EXPORT would change 1 of the 2 members of {name}; nothing was changed\n");
    assert_eq!((code, said), (Some(0), preview));
    let (code, said, _) = on_server(&command, &server);
    let chosen = format!("DO_NOT_EXPORT is chosen on {name} for all members; it has 2\n");
    assert_eq!((code, said), (Some(0), chosen));
    let (code, _, error) =
        on_server(&["assignment", "choose", "YES", "--organization", "a", "--assignment", "b"], &server);
    assert_eq!(code, Some(2));
    assert!(error.contains("give EXPORT or DO_NOT_EXPORT"), "{error}");
}

#[test]
fn a_directory_without_a_report_is_refused_and_not_created() {
    let root = TempDir::new().unwrap();
    for (path, expected) in [
        ("none", "there is no directory file://"),
        ("none/manifest.json", "there is no directory file://"),
        ("latest.json", "there is no file://"),
    ] {
        let output = verify(&format!("file://{}/{path}", root.path().display()));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with(&format!("rollcall: {expected}")), "{error}");
        assert_eq!(output.status.code(), Some(1));
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    let output = verify("reports/latest.json");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

//! The command line: help, and one clear line for every usage error.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

/// Returns the command of the program, without the settings of this process.
fn rollcall(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    for (flag, variable) in SETTINGS {
        assert!(flag.starts_with("--"));
        command.env_remove(variable);
    }
    command.args(arguments).envs(variables.iter().copied()).output().unwrap()
}

const SETTINGS: &[(&str, &str)] = &[
    ("--database-url", "DATABASE_URL"),
    ("--listen", "ROLLCALL_LISTEN"),
    ("--health-listen", "ROLLCALL_HEALTH_LISTEN"),
    ("--tls-cert", "ROLLCALL_TLS_CERT"),
    ("--tls-key", "ROLLCALL_TLS_KEY"),
    ("--tls-client-ca", "ROLLCALL_TLS_CLIENT_CA"),
    ("--tls-client-auth", "ROLLCALL_TLS_CLIENT_AUTH"),
    ("--tls-ca", "ROLLCALL_TLS_CA"),
    ("--tls-client-cert", "ROLLCALL_TLS_CLIENT_CERT"),
    ("--tls-client-key", "ROLLCALL_TLS_CLIENT_KEY"),
    ("--tls-server-name", "ROLLCALL_TLS_SERVER_NAME"),
    ("--auth", "ROLLCALL_AUTH"),
    ("--auth-config", "ROLLCALL_AUTH_CONFIG"),
    ("--token-file", "ROLLCALL_TOKEN_FILE"),
    ("--data-dir", "ROLLCALL_DATA_DIR"),
    ("--reports-url", "ROLLCALL_REPORTS_URL"),
    ("--report-schedule", "ROLLCALL_REPORT_SCHEDULE"),
    ("--report-time-zone", "ROLLCALL_REPORT_TIME_ZONE"),
    ("--keep-reports", "ROLLCALL_KEEP_REPORTS"),
    ("--keep-runs", "ROLLCALL_KEEP_RUNS"),
    ("--no-jobs", "ROLLCALL_NO_JOBS"),
    ("--migration-wave", "ROLLCALL_MIGRATION_WAVE"),
    ("--migration-stop-in-a-row", "ROLLCALL_MIGRATION_STOP_IN_A_ROW"),
    ("--migration-stop-percent", "ROLLCALL_MIGRATION_STOP_PERCENT"),
    ("--migration-canaries", "ROLLCALL_MIGRATION_CANARIES"),
    ("--database-connections", "ROLLCALL_DATABASE_CONNECTIONS"),
    ("--waiting-writes", "ROLLCALL_WAITING_WRITES"),
    ("--write-wait", "ROLLCALL_WRITE_WAIT"),
    ("--client-connections", "ROLLCALL_CLIENT_CONNECTIONS"),
    ("--client-idle-timeout", "ROLLCALL_CLIENT_IDLE_TIMEOUT"),
    ("--shutdown-timeout", "ROLLCALL_SHUTDOWN_TIMEOUT"),
    ("--log", "ROLLCALL_LOG"),
    ("--log-format", "ROLLCALL_LOG_FORMAT"),
    ("--otlp-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
];

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Returns the one line that a refused command prints.
fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = rollcall(arguments, variables);
    let line = text(output.stderr);
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert_eq!(text(output.stdout), "");
    line
}

#[test]
fn help_lists_every_setting_with_its_variable_and_no_values() {
    let secret = ("DATABASE_URL", "postgres://ann:secret@db/rollcall");
    for arguments in [&["--help"][..], &["serve", "--help"], &["demo", "--help"]] {
        let output = rollcall(arguments, &[secret]);
        assert_eq!(output.status.code(), Some(0));
        let help = text(output.stdout);
        for (flag, variable) in SETTINGS {
            let listed = help.lines().any(|line| line.contains(flag) && line.contains(&format!("[env: {variable}]")));
            assert!(listed, "{flag} with {variable} in {help}");
        }
        assert!(!help.contains("secret"));
    }
}

#[test]
fn the_version_is_printed() {
    let output = rollcall(&["--version"], &[]);
    assert_eq!(text(output.stdout), format!("rollcall {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_invalid_variable_is_one_line_that_names_flag_and_variable() {
    // Every text is the name of a file or of a host.
    let any_text = |flag: &str| {
        ["--data-dir", "--token-file"].contains(&flag) || (flag.starts_with("--tls-") && flag != "--tls-client-auth")
    };
    for (flag, variable) in SETTINGS.iter().filter(|(flag, _)| !any_text(flag)) {
        let line = refusal(&["serve"], &[(variable, "=no such value=")]);
        assert!(line.starts_with(&format!("rollcall: {flag} ({variable}) is ")), "{line}");
        assert!(line.contains(": give "), "{line}");
    }
}

/// Returns the line about a bad value, without the name of the program.
fn bad_value(arguments: &[&str]) -> String {
    let line = refusal(arguments, &[]);
    line.trim_end().strip_prefix("rollcall: ").unwrap().to_owned()
}

#[test]
fn a_bad_value_names_flag_variable_value_and_what_is_allowed() {
    assert_eq!(
        bad_value(&["serve", "--listen", "here"]),
        "--listen (ROLLCALL_LISTEN) is \"here\": give an IP address and a port, such as 127.0.0.1:50051, \
         0.0.0.0:50051 or [::]:50051"
    );
    assert_eq!(
        bad_value(&["--report-time-zone", "Berlin"]),
        "--report-time-zone (ROLLCALL_REPORT_TIME_ZONE) is \"Berlin\": give the IANA name of a time zone, such as \
         Europe/Berlin, America/New_York or UTC"
    );
    let schedule = bad_value(&["--report-schedule", "nightly"]);
    assert!(
        schedule.starts_with("--report-schedule (ROLLCALL_REPORT_SCHEDULE) is \"nightly\": give five fields"),
        "{schedule}"
    );
    assert_eq!(bad_value(&["--log-format", "xml"]), "--log-format (ROLLCALL_LOG_FORMAT) is \"xml\": give text or json");
    assert_eq!(
        bad_value(&["--database-url=mysql://ann:secret@db/rollcall"]),
        "--database-url (DATABASE_URL) is \"mysql://ann:***@db/rollcall\": give a URL such as \
         postgres://user:password@host:5432/name"
    );
}

#[test]
fn other_mistakes_are_one_line_too() {
    for arguments in [&["--lisen", "x"][..], &["import"], &["job"], &["job", "run"], &["dance"], &["--listen"]] {
        let line = refusal(arguments, &[]);
        assert!(line.contains("--help"), "{line}");
    }
}

#[test]
fn a_database_password_is_not_printed() {
    let line = refusal(&["serve"], &[("DATABASE_URL", "mysql://ann:secret@db/rollcall")]);
    assert!(line.contains("mysql://ann:***@db/rollcall") && !line.contains("secret"), "{line}");
}

#[test]
fn a_usage_error_is_one_line() {
    for arguments in [&["--lisen", "x"][..], &["dance"], &["job"], &["job", "run"], &["import"], &["--listen"]] {
        refusal(arguments, &[]);
    }
    refusal(&["jobs", "--no-jobs"], &[]);
    refusal(&["serve", "--auth", "required"], &[]);
    refusal(&["demo", "--no-jobs"], &[]);
    refusal(&["job", "run", "settings-migration", "--target", "ftp://x"], &[]);
}

#[test]
fn a_server_without_authentication_listens_on_loopback_only() {
    for (listen, auth) in [("0.0.0.0:0", None), ("[::]:0", None), ("0.0.0.0:0", Some("off"))] {
        let auth = auth.map(|mode| ("ROLLCALL_AUTH", mode));
        let variables: Vec<_> = auth.into_iter().chain([("DATABASE_URL", "postgres://nowhere.invalid/x")]).collect();
        let line = refusal(&["serve", "--listen", listen], &variables);
        assert!(line.contains("authentication is off: give --auth-config (ROLLCALL_AUTH_CONFIG)"), "{line}");
    }
}

#[test]
fn a_wrong_configuration_of_callers_names_the_field() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let issuer = r#"{"issuers": [{"name": "corp", "issuer": "https://corp.example", "roles_claim": "roles",
        "organizations_claim": "organizations"}]}"#;
    std::fs::write(&file, issuer).unwrap();
    let line = refusal(&["serve", "--auth-config", file.path().to_str().unwrap()], &[]);
    assert!(line.contains("issuers[0].audiences: give the values of the claim `aud`"), "{line}");
}

#[test]
fn a_folder_without_an_organization_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("Not An Id");
    std::fs::create_dir(&folder).unwrap();
    let output = rollcall(&["demo", "--once", "--data", folder.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(1));
    let line = text(output.stderr);
    assert!(line.contains("organization's id") && line.contains("Not An Id"), "{line}");
}

#[test]
fn an_unreachable_server_is_named() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/sample/acme");
    for arguments in [
        &["import", sample, "--target", "http://127.0.0.1:1"][..],
        &["job", "run", "settings-migration", "--target", "http://127.0.0.1:1"],
    ] {
        let output = rollcall(arguments, &[]);
        assert_eq!(output.status.code(), Some(1));
        let line = text(output.stderr);
        assert!(line.starts_with("rollcall: cannot reach http://127.0.0.1:1"), "{line}");
    }
}

//! The schema of the chart's values and the parsers of the settings accept the same values.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::PathBuf,
};

use proptest::{
    string::string_regex,
    test_runner::{Config, TestRunner},
};
use regex::Regex;
use serde_json::Value;

use crate::{commands::Cli, config::parse};

/// A value of the chart that becomes a setting.
struct Setting {
    /// The place in the schema.
    place: &'static str,
    variable: &'static str,
    flag: &'static str,
    /// The text that the templates add to the value.
    unit: &'static str,
}

const fn setting(place: &'static str, variable: &'static str, flag: &'static str, unit: &'static str) -> Setting {
    Setting { place, variable, flag, unit }
}

const CONNECTIONS: Setting =
    setting("database/connections", "ROLLCALL_DATABASE_CONNECTIONS", "--database-connections", "");
const WAVE: Setting = setting("migration/wave", "ROLLCALL_MIGRATION_WAVE", "--migration-wave", "");
const STOP_IN_A_ROW: Setting =
    setting("migration/stopInARow", "ROLLCALL_MIGRATION_STOP_IN_A_ROW", "--migration-stop-in-a-row", "");
const STOP_PERCENT: Setting =
    setting("migration/stopPercent", "ROLLCALL_MIGRATION_STOP_PERCENT", "--migration-stop-percent", "");
const CANARIES: Setting = setting("migration/canaries", "ROLLCALL_MIGRATION_CANARIES", "--migration-canaries", "");
const WAITING_WRITES: Setting = setting("database/waitingWrites", "ROLLCALL_WAITING_WRITES", "--waiting-writes", "");
const WRITE_WAIT: Setting = setting("database/writeWaitSeconds", "ROLLCALL_WRITE_WAIT", "--write-wait", "s");
const CHECK_CONNECTIONS: Setting =
    setting("database/checkConnections", "ROLLCALL_CHECK_CONNECTIONS", "--check-connections", "");
const READ_CONNECTIONS: Setting =
    setting("database/readConnections", "ROLLCALL_READ_CONNECTIONS", "--read-connections", "");
const STREAM_CONNECTIONS: Setting =
    setting("database/streamConnections", "ROLLCALL_STREAM_CONNECTIONS", "--stream-connections", "");
const BULK_CONNECTIONS: Setting =
    setting("database/bulkConnections", "ROLLCALL_BULK_CONNECTIONS", "--bulk-connections", "");
const CHECK_CALLS: Setting = setting("calls/checks", "ROLLCALL_CHECK_CALLS", "--check-calls", "");
const READ_CALLS: Setting = setting("calls/reads", "ROLLCALL_READ_CALLS", "--read-calls", "");
const WRITE_CALLS: Setting = setting("calls/writes", "ROLLCALL_WRITE_CALLS", "--write-calls", "");
const BULK_CALLS: Setting = setting("calls/bulk", "ROLLCALL_BULK_CALLS", "--bulk-calls", "");
const STREAM_CALLS: Setting = setting("calls/streams", "ROLLCALL_STREAM_CALLS", "--stream-calls", "");
const CALL_MEMORY: Setting = setting("calls/memoryMiB", "ROLLCALL_CALL_MEMORY", "--call-memory", "MiB");
const DECISION_MEMORY: Setting = setting("decisions/memoryMiB", "ROLLCALL_DECISION_MEMORY", "--decision-memory", "MiB");
const DECISION_POLL_INTERVAL: Setting =
    setting("decisions/pollMilliseconds", "ROLLCALL_DECISION_POLL_INTERVAL", "--decision-poll-interval", "ms");
const DECISION_SIGNALS: Setting = setting("decisions/signals", "ROLLCALL_DECISION_SIGNALS", "--decision-signals", "");
const MAX_STALENESS: Setting =
    setting("decisions/maxStalenessSeconds", "ROLLCALL_MAX_STALENESS", "--max-staleness", "s");
const MAX_STALENESS_ON_OUTAGE: Setting = setting(
    "decisions/maxStalenessOnOutageSeconds",
    "ROLLCALL_MAX_STALENESS_ON_OUTAGE",
    "--max-staleness-on-outage",
    "s",
);
const ORGANIZATION_SHARE: Setting =
    setting("calls/organizationShare", "ROLLCALL_ORGANIZATION_SHARE", "--organization-share", "");
const STREAM_TIME: Setting = setting("calls/streamTimeSeconds", "ROLLCALL_STREAM_TIME", "--stream-time", "s");
const CLIENTS: Setting = setting("clients/connections", "ROLLCALL_CLIENT_CONNECTIONS", "--client-connections", "");
const IDLE: Setting =
    setting("clients/idleTimeoutSeconds", "ROLLCALL_CLIENT_IDLE_TIMEOUT", "--client-idle-timeout", "s");
const KEEP_REPORTS: Setting = setting("reports/keepDays", "ROLLCALL_KEEP_REPORTS", "--keep-reports", "d");
const KEEP_RUNS: Setting = setting("jobs/keepRunsDays", "ROLLCALL_KEEP_RUNS", "--keep-runs", "d");
const SHUTDOWN: Setting = setting("shutdownTimeoutSeconds", "ROLLCALL_SHUTDOWN_TIMEOUT", "--shutdown-timeout", "s");
const REPORTS_URL: Setting = setting("reports/url", "ROLLCALL_REPORTS_URL", "--reports-url", "");
const SCHEDULE: Setting = setting("reports/schedule", "ROLLCALL_REPORT_SCHEDULE", "--report-schedule", "");
const TIME_ZONE: Setting = setting("reports/timeZone", "ROLLCALL_REPORT_TIME_ZONE", "--report-time-zone", "");
const SERVICE_ROLE: Setting = setting("database/serviceRole", "ROLLCALL_SERVICE_ROLE", "--service-role", "");
const JOBS_ROLE: Setting = setting("database/jobsRole", "ROLLCALL_JOBS_ROLE", "--jobs-role", "");
const LOG: Setting = setting("log", "ROLLCALL_LOG", "--log", "");
const AUTH: Setting = setting("auth/mode", "ROLLCALL_AUTH", "--auth", "");
const OTLP: Setting = setting("otlpEndpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "--otlp-endpoint", "");

const CLIENT_AUTH: Setting = setting("tls/clientAuth", "ROLLCALL_TLS_CLIENT_AUTH", "--tls-client-auth", "");

const NUMBERS: [Setting; 28] = [
    CONNECTIONS,
    CHECK_CONNECTIONS,
    READ_CONNECTIONS,
    STREAM_CONNECTIONS,
    BULK_CONNECTIONS,
    CHECK_CALLS,
    READ_CALLS,
    WRITE_CALLS,
    BULK_CALLS,
    STREAM_CALLS,
    CALL_MEMORY,
    DECISION_MEMORY,
    DECISION_POLL_INTERVAL,
    MAX_STALENESS,
    MAX_STALENESS_ON_OUTAGE,
    ORGANIZATION_SHARE,
    STREAM_TIME,
    WAITING_WRITES,
    WRITE_WAIT,
    CLIENTS,
    IDLE,
    WAVE,
    STOP_IN_A_ROW,
    STOP_PERCENT,
    CANARIES,
    KEEP_REPORTS,
    KEEP_RUNS,
    SHUTDOWN,
];
const TEXTS: [Setting; 6] = [REPORTS_URL, SCHEDULE, SERVICE_ROLE, JOBS_ROLE, LOG, OTLP];

impl Setting {
    fn schema(&self) -> Value {
        let schema: Value = serde_json::from_str(&fs::read_to_string(chart("values.schema.json")).unwrap()).unwrap();
        let place = self.place.split('/').fold(&schema, |schema, name| &schema["properties"][name]);
        assert!(place.is_object(), "the schema has no {}", self.place);
        place.clone()
    }

    fn pattern(&self) -> String {
        self.schema()["pattern"].as_str().unwrap().to_owned()
    }

    fn binary_accepts(&self, value: &str) -> bool {
        let argument = format!("{}={value}{}", self.flag, self.unit);
        parse::<Cli>(["rollcall".to_owned(), argument].map(OsString::from)).is_ok()
    }
}

fn chart(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../helm/rollcall")).join(file)
}

/// Returns the variables of the templates with their values.
fn variables() -> BTreeMap<String, String> {
    let variable = Regex::new("name: ((?:ROLLCALL|OTEL)_[A-Z_]+)\\n *value: (.*)").unwrap();
    let mut found = BTreeMap::new();
    for template in fs::read_dir(chart("templates")).unwrap() {
        let text = fs::read_to_string(template.unwrap().path()).unwrap();
        found.extend(variable.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].to_owned())));
    }
    found
}

#[test]
fn every_setting_of_the_templates_is_compared() {
    let found: BTreeSet<String> = variables().into_keys().collect();
    let others = [&TIME_ZONE, &AUTH, &DECISION_SIGNALS];
    let compared = NUMBERS.iter().chain(&TEXTS).chain(others).map(|setting| setting.variable);
    // The templates give these variables a fixed value.
    let fixed = ["LISTEN", "HEALTH_LISTEN", "LOG_FORMAT", "TLS_CERT", "TLS_KEY", "TLS_CLIENT_CA", "AUTH_CONFIG"];
    let fixed = fixed.map(|name| format!("ROLLCALL_{name}"));
    let compared = compared.chain([CLIENT_AUTH.variable]);
    let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
    assert_eq!(found, compared.chain(fixed).map(str::to_owned).collect());
}

#[test]
fn numbers_have_the_same_limits() {
    for setting in NUMBERS {
        let schema = setting.schema();
        let (least, most) = (schema["minimum"].as_i64().unwrap(), schema["maximum"].as_i64().unwrap());
        let verdicts = [least - 1, least, most, most + 1].map(|value| setting.binary_accepts(&value.to_string()));
        assert_eq!(verdicts, [false, true, true, false], "{}", setting.place);
    }
}

#[test]
fn the_templates_write_every_number_in_digits() {
    // Helm reads the numbers of a values file as floating-point numbers, and would write a million as 1e+06.
    let variables = variables();
    let wrong = NUMBERS.iter().filter(|setting| !variables[setting.variable].contains("int64"));
    assert_eq!(wrong.map(|setting| setting.variable).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn switches_are_true_or_false() {
    assert_eq!(DECISION_SIGNALS.schema()["type"], "boolean");
    let accepted = ["true", "false", "perhaps"].map(|value| DECISION_SIGNALS.binary_accepts(value));
    assert_eq!(accepted, [true, true, false]);
}

#[test]
fn time_zones_are_the_same() {
    let schema = TIME_ZONE.schema();
    let zones: BTreeSet<&str> = schema["enum"].as_array().unwrap().iter().map(|zone| zone.as_str().unwrap()).collect();
    assert_eq!(zones, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect());
    assert!(zones.iter().all(|zone| TIME_ZONE.binary_accepts(zone)));
}

#[test]
fn the_modes_of_authentication_are_those_of_a_server_that_others_reach() {
    assert_eq!(AUTH.schema()["enum"], serde_json::json!(["required", "log-only"]));
    assert!(AUTH.binary_accepts("required") && AUTH.binary_accepts("log-only") && AUTH.binary_accepts("off"));
}

#[test]
fn the_choices_of_client_certificates_are_the_same() {
    let schema = CLIENT_AUTH.schema();
    let choices: Vec<&str> = schema["enum"].as_array().unwrap().iter().map(|choice| choice.as_str().unwrap()).collect();
    assert_eq!(choices, ["required", "optional"]);
    assert!(choices.iter().all(|choice| CLIENT_AUTH.binary_accepts(choice)));
}

/// A backward range, or a day that may not exist in its months. A pattern cannot tell; the binary refuses it at start.
fn needs_a_calendar(cron: &str) -> bool {
    cron.contains('-') || !cron.split_whitespace().nth(3).is_some_and(|months| months.starts_with('*'))
}

#[test]
fn the_binary_accepts_every_text_that_the_schema_accepts() {
    let runner = Config { failure_persistence: None, ..Config::default() };
    for setting in TEXTS {
        let pattern = setting.pattern();
        let inner = pattern.strip_prefix('^').and_then(|pattern| pattern.strip_suffix('$')).unwrap();
        let texts = string_regex(inner).unwrap();
        let checked = TestRunner::new(runner.clone()).run(&texts, |text| {
            // The templates leave out an empty value.
            let skipped = text.is_empty() || (setting.place == SCHEDULE.place && needs_a_calendar(&text));
            proptest::prop_assert!(skipped || setting.binary_accepts(&text), "{} {text:?}", setting.place);
            Ok(())
        });
        assert_eq!(checked, Ok(()));
    }
}

/// Texts for [`REPORTS_URL`], at the limits of what is accepted.
#[rustfmt::skip]
const REPORTS_URL_TEXTS: &[&str] = &[
    "file:///var/lib/rollcall/reports", "file://host/reports", "s3://bucket", "s3a://bucket/prefix/",
    "s3://user@bucket", "s3://user:password@bucket", "s3://bucket?key=secret", "s3://", "gs://bucket/a/b",
    "az://container/prefix", "abfss://container@account/prefix", "azure://container", "adl://container",
    "https://example.com/bucket", "https://s3.eu-west-1.amazonaws.com/bucket",
    "https://account.blob.core.windows.net/container", "https://account.r2.cloudflarestorage.com/bucket",
    "http://bucket", "memory:///", "reports", "ftp://host/reports",
];
/// Texts for [`SCHEDULE`], at the limits of what is accepted.
#[rustfmt::skip]
const SCHEDULE_TEXTS: &[&str] = &[
    "0 2 * * *", "30 1 * * 1-5", "*/15 * * * *", "59 23 31 12 7", "60 2 * * *", "0 24 * * *", "0 2 0 * *",
    "0 2 32 * *", "0 2 * 13 *", "0 2 * * 8", "0 2 * * MON-FRI", "0 2 L * *", "0 2 * * 1#1", "0 2 * * 5L",
    "0 2 * JAN,JUL *", "0 2 * *", "0 0 2 * * *", "@daily", "a b c d e", "*/0 * * * *", "",
];
/// Texts for [`LOG`], at the limits of what is accepted.
#[rustfmt::skip]
const LOG_TEXTS: &[&str] = &[
    "info", "off", "info,rollcall_store=debug", "rollcall_store::db=trace", "rollcall_store",
    "rollcall_store=loud",
];
/// Texts for [`OTLP`], at the limits of what is accepted.
#[rustfmt::skip]
const OTLP_TEXTS: &[&str] = &[
    "http://localhost:4317", "http://otel-collector.monitoring:4317/", "http://10.0.0.1:4317",
    "https://collector:4317", "http://", "http://:4317", "http://collector:65535", "http://collector:65536",
    "http://256.0.0.1", "grpc://collector", "collector:4317",
];

#[test]
fn the_schema_and_the_binary_agree_about_texts_at_the_limits() {
    let texts = [(REPORTS_URL, REPORTS_URL_TEXTS), (SCHEDULE, SCHEDULE_TEXTS), (LOG, LOG_TEXTS), (OTLP, OTLP_TEXTS)];
    for (setting, texts) in texts {
        let pattern = Regex::new(&setting.pattern()).unwrap();
        let differ = |text: &&&str| pattern.is_match(text) != (!text.is_empty() && setting.binary_accepts(text));
        assert_eq!(texts.iter().filter(differ).collect::<Vec<_>>(), [] as [&&str; 0], "{}", setting.place);
    }
}

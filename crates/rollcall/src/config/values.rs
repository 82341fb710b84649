//! Parsers for the values of settings. Each error says which values are allowed.

use std::{fmt, net::SocketAddr, time::Duration};

use rollcall_app::reports::{OpenError, parse_reports_url};
use rollcall_cli::values::{duration, http_url};
use rollcall_jobs::TimeZone;
use tracing_subscriber::EnvFilter;
use url::Url;

/// A Postgres URL. `Display` and `Debug` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Returns the URL with its password, for the driver only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&redact(&self.0), f)
    }
}

/// Returns a database URL without its password. A text that is no URL is hidden completely. If the password is not
/// percent-encoded, the text beside it may be hidden too.
pub(crate) fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "***".to_owned();
    };
    let rest = match rest.rsplit_once('@') {
        Some((credentials, place)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:***@{place}"),
            None => format!("{credentials}@{place}"),
        },
        None => rest.to_owned(),
    };
    let Some((place, query)) = rest.split_once('?') else {
        return format!("{scheme}://{rest}");
    };
    let options: Vec<String> = query.split('&').map(redact_option).collect();
    format!("{scheme}://{place}?{}", options.join("&"))
}

fn redact_option(option: &str) -> String {
    match option.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
        _ => option.to_owned(),
    }
}

pub(super) fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(DatabaseUrl(text.to_owned()));
    }
    Err("give a URL such as postgres://user:password@host:5432/name".to_owned())
}

/// Parses the name of a database role.
pub(super) fn database_role(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err("give the name of a role: 1 to 63 letters, digits, _ or -, such as rollcall_service".to_owned())
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "give an IP address and a port, such as 127.0.0.1:50051, 0.0.0.0:50051 or [::]:50051".to_owned())
}

pub(super) fn connections(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=1000).contains(number));
    number.ok_or_else(|| "give a number from 1 to 1000".to_owned())
}

/// Parses a number of connections that one kind of work may use; 0 means the default.
pub(super) fn share(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (0..=1000).contains(number));
    number.ok_or_else(|| "give a number from 1 to 1000, or 0 for the default".to_owned())
}

/// Parses the part that one organization may use, in percent.
pub(super) fn organization_share(text: &str) -> Result<u32, String> {
    let percent = text.parse().ok().filter(|percent| (1..=100).contains(percent));
    percent.ok_or_else(|| "give a whole number from 1 to 100".to_owned())
}

/// Parses a size in bytes, such as `512MiB` or `2GiB`.
pub(super) fn memory(text: &str) -> Result<u64, String> {
    let units = [("MiB", 1_u64 << 20), ("GiB", 1 << 30)];
    let size = units.into_iter().find_map(|(unit, bytes)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(bytes)
    });
    let allowed = size.filter(|size| (16 << 20..=1 << 40).contains(size));
    allowed.ok_or_else(|| "give a size from 16MiB to 1024GiB, such as 512MiB or 2GiB".to_owned())
}

/// Parses a number of clients' connections, of calls, or of writes that wait.
pub(super) fn up_to_100_000(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=100_000).contains(number));
    number.ok_or_else(|| "give a number from 1 to 100000".to_owned())
}

/// Parses a time of at least one second.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let timeout = duration(text)?;
    if timeout < Duration::from_secs(1) {
        return Err("give 1s or more, such as 90s or 15m".to_owned());
    }
    Ok(timeout)
}

/// Parses the time between two polls.
pub(super) fn poll_interval(text: &str) -> Result<Duration, String> {
    let allowed =
        duration(text).ok().filter(|time| (Duration::from_millis(10)..=Duration::from_secs(60)).contains(time));
    allowed.ok_or_else(|| "give a time from 10ms to 60s, such as 200ms".to_owned())
}

/// Parses the age of an answer while the database can be reached.
pub(super) fn max_staleness(text: &str) -> Result<Duration, String> {
    let allowed = duration(text).ok().filter(|time| (Duration::from_secs(1)..=Duration::from_secs(60)).contains(time));
    allowed.ok_or_else(|| "give a time from 1s to 60s, such as 5s".to_owned())
}

/// Parses the age of an answer while the database cannot be reached.
pub(super) fn max_staleness_on_outage(text: &str) -> Result<Duration, String> {
    let longest = Duration::from_secs(24 * 60 * 60);
    let allowed = duration(text).ok().filter(|time| (Duration::from_secs(1)..=longest).contains(time));
    allowed.ok_or_else(|| "give a time from 1s to 24h, such as 5m".to_owned())
}

/// Parses a number of days, such as `90d`.
pub(super) fn days(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (1..=36_500).contains(days));
    let days: Option<u64> = days;
    days.map(|days| Duration::from_secs(days * 24 * 60 * 60))
        .ok_or_else(|| "give days, from 1d to 36500d, such as 90d".to_owned())
}

/// Parses the IANA name of a time zone.
pub(super) fn time_zone(text: &str) -> Result<TimeZone, String> {
    text.parse()
        .map_err(|_| "give the IANA name of a time zone, such as Europe/Berlin, America/New_York or UTC".to_owned())
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("give true or false".to_owned()),
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let filter = EnvFilter::builder().parse(text);
    filter.map(|_| text.to_owned()).map_err(|_| {
        "give error, warn, info, debug, trace or off, or directives such as info,rollcall_store=debug".to_owned()
    })
}

pub(super) fn reports_url(text: &str) -> Result<Url, String> {
    parse_reports_url(text).map_err(|error| match error {
        OpenError::Url { advice, .. } => advice,
        other => other.to_string(),
    })
}

pub(super) fn otlp_endpoint(text: &str) -> Result<Url, String> {
    http_url(text).ok_or_else(|| "give an http:// URL, such as http://localhost:4317 (TLS is not supported)".to_owned())
}

/// Parses a number of organizations.
pub(super) fn organizations(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "give a whole number of organizations, such as 3, or 0".to_owned())
}

/// Parses a percentage.
pub(super) fn percent(text: &str) -> Result<u32, String> {
    let percent = text.parse().ok().filter(|percent| *percent <= 100);
    percent.ok_or_else(|| "give a whole number from 0 to 100".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_password_never_shows() {
        for (url, shown) in [
            ("postgres://ann:secret@db:5432/rollcall", "postgres://ann:***@db:5432/rollcall"),
            ("postgres://ann:se@cr:et/@db/rollcall", "postgres://ann:***@db/rollcall"),
            ("postgresql://db/rollcall?user=ann&password=secret", "postgresql://db/rollcall?user=ann&password=***"),
            ("postgres://ann@db/rollcall", "postgres://ann@db/rollcall"),
            ("postgres:///rollcall?host=%2Ftmp", "postgres:///rollcall?host=%2Ftmp"),
            ("host=db password=secret", "***"),
        ] {
            assert_eq!(redact(url), shown);
        }
        let url = database_url("postgres://ann:secret@db/rollcall").unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://ann:***@db/rollcall \"postgres://ann:***@db/rollcall\"");
    }

    #[test]
    fn database_roles_have_plain_names() {
        assert_eq!(database_role("rollcall-service_2"), Ok("rollcall-service_2".to_owned()));
        for wrong in ["", "a b", "a\"b", "ä", &"a".repeat(64)] {
            assert!(database_role(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn things_are_kept_for_days() {
        assert_eq!(days("1d"), Ok(Duration::from_secs(86_400)));
        assert_eq!(days("36500d"), Ok(Duration::from_secs(36_500 * 86_400)));
        for wrong in ["", "d", "0d", "36501d", "-1d", "90", "24h", "1.5d", "9 d"] {
            assert!(days(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn connections_are_idle_for_a_second_or_longer() {
        assert_eq!(seconds("90s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "0s", "999ms", "15"] {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn time_zones_have_iana_names() {
        assert_eq!(time_zone("America/New_York"), Ok(TimeZone::America__New_York));
        for wrong in ["", "Berlin", "CEST", "+02:00", "Europe/Atlantis", "europe/berlin "] {
            assert!(time_zone(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn log_filters_are_checked() {
        assert!(log_filter("info,rollcall_store=debug").is_ok());
        assert!(log_filter("rollcall_store=loud").is_err());
    }
}

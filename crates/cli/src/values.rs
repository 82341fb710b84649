//! Parsers for the values of arguments. Each error says which values are allowed.

use std::time::Duration;

use prost_types::Timestamp;
use rollcall_domain::{AssignmentId, Email, OrganizationId, email_export::EmailExport, migration::MigrationFilter};
use url::Url;

/// Parses the address of a running server.
///
/// # Errors
/// The text is not an `http://` or `https://` URL.
pub fn server_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    url.ok_or_else(|| "give an http:// or https:// URL, such as http://localhost:50051".to_owned())
}

/// Parses an `http://` URL with a host.
#[must_use]
pub fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| url.scheme() == "http" && url.has_host())
}

/// Parses a wave of the settings migration.
///
/// # Errors
/// The text is not a whole number, or the number is negative.
pub fn wave(text: &str) -> Result<u32, String> {
    let number = text.parse::<i32>().ok().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| "give a whole number that is not negative".to_owned())
}

/// Parses a duration such as `500ms`, `25s`, `2m` or `1h`.
///
/// # Errors
/// The text is not a whole number with one of these units.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let parsed = milliseconds.zip(number.parse::<u32>().ok());
    parsed
        .map(|(milliseconds, number)| Duration::from_millis(milliseconds * u64::from(number)))
        .ok_or_else(|| "give a whole number with ms, s, m or h, such as 500ms, 25s or 2m".to_owned())
}

/// Parses an email address.
pub(crate) fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|violation| violation.description)
}

/// Parses a time of RFC 3339.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "give a time with its offset from UTC, such as 2026-03-03T12:00:00Z".to_owned())
}

/// Parses an organization's id, or its name `organizations/{id}`.
pub(crate) fn organization(text: &str) -> Result<OrganizationId, String> {
    let id = text.strip_prefix("organizations/").unwrap_or(text);
    OrganizationId::parse(id).map_err(|violation| format!("give an organization's id: {}", violation.description))
}

/// Parses an assignment's id.
pub(crate) fn assignment(text: &str) -> Result<AssignmentId, String> {
    AssignmentId::parse(text).map_err(|violation| format!("give an assignment's id: {}", violation.description))
}

/// Parses an email export setting.
pub(crate) fn email_export(text: &str) -> Result<EmailExport, String> {
    text.parse().map_err(|_| "give EXPORT or DO_NOT_EXPORT".to_owned())
}

/// Checks a filter of migrations, such as `wave = 2 AND state = FAILED`, and returns it unchanged.
pub(crate) fn migration_filter(text: &str) -> Result<String, String> {
    MigrationFilter::parse(text).map(|_| text.to_owned()).map_err(|violation| violation.description)
}

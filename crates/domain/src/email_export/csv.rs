//! How an email export setting is written in a CSV.

use std::borrow::Cow;

use chrono::SecondsFormat;

use super::{Setting, Since};

/// Returns the text of the column `email_export_since`: `always` for a setting that the migration carried over, the
/// start of the period of EXPORT in RFC 3339 otherwise, and nothing for a member who is not exported or has no setting.
#[must_use]
pub fn export_since_text(setting: Option<Setting>) -> Cow<'static, str> {
    match setting {
        Some(Setting::Export(Since::Always)) => "always".into(),
        Some(Setting::Export(Since::At(start))) => start.to_rfc3339_opts(SecondsFormat::Micros, true).into(),
        Some(Setting::DoNotExport) | None => "".into(),
    }
}

//! The outcome of each row of an import, worked out from the server's answer while the file is read again.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use rollcall_domain::Email;
use rollcall_proto::v1::ImportLegacySettingsResponse;

use super::rows::LegacySettingRow;

/// What the server answered about the rows that it received, by address. An accepted row needs no entry, so that the
/// memory does not grow with the file.
pub(super) struct RowOutcomes {
    rejected: HashMap<String, String>,
    waiting: HashSet<String>,
    duplicate: HashSet<String>,
    /// The addresses in `duplicate` whose first row has passed.
    passed: HashSet<String>,
}

impl RowOutcomes {
    /// Takes the lists of rows out of the answer.
    pub(super) fn new(answer: &mut ImportLegacySettingsResponse) -> Self {
        let rejected = mem::take(&mut answer.rejected);
        Self {
            rejected: rejected.into_iter().map(|row| (row.key, row.reason)).collect(),
            waiting: mem::take(&mut answer.unmatched_emails).into_iter().collect(),
            duplicate: mem::take(&mut answer.duplicate_emails).into_iter().collect(),
            passed: HashSet::new(),
        }
    }

    /// Returns the outcome of a row and its reason. Must be called in the order of the file.
    pub(super) fn outcome<'a>(&'a mut self, row: &'a LegacySettingRow) -> (&'static str, &'a str) {
        let rejected = self.rejected.get(&row.email).map(String::as_str);
        let (Ok(_), Ok(email)) = (&row.export, Email::lower_case(&row.email)) else {
            return ("rejected", row.export.as_ref().err().map(String::as_str).or(rejected).unwrap_or_default());
        };
        if let Some(reason) = rejected {
            return ("rejected", reason);
        }
        if self.duplicate.contains(email.as_str()) && !self.passed.insert(email.as_str().to_owned()) {
            return ("duplicate", "an earlier row has the same address and the same value");
        }
        if self.waiting.contains(email.as_str()) {
            return ("waiting", "no member has this address; the setting is kept until a member is synced with it");
        }
        ("taken", "")
    }
}

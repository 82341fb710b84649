//! Between the contract and the domain: `TryFrom`-like reading inward, `to_*` outward.

pub(crate) mod assignments;
pub(crate) mod catalog;
pub(crate) mod members;
pub(crate) mod settings;

use chrono::DateTime;
use prost_types::Timestamp;
use rollcall_app::{Caller, Preview};
use rollcall_domain::{OrganizationId, Violation, directory::Rejection};
use rollcall_proto::v1;

use crate::names;

/// How many rejected rows an answer lists at the most; the count tells of all.
pub(crate) const REJECTED_MAX: usize = 10_000;

pub(crate) fn to_timestamp(time: rollcall_domain::Timestamp) -> Timestamp {
    Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos().cast_signed() }
}

pub(crate) fn parse_timestamp(time: Timestamp) -> Result<rollcall_domain::Timestamp, Violation> {
    let nanos = u32::try_from(time.nanos).ok();
    let parsed = nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
    parsed.ok_or_else(|| Violation::invalid("", "this is not a time that can be represented"))
}

pub(crate) fn to_preview(organization: &OrganizationId, preview: &Preview) -> v1::Preview {
    let sample = preview.sample.iter().map(|change| v1::MemberChange {
        member: names::member(organization, &change.member),
        assignment_before: change
            .before
            .as_ref()
            .map(|before| names::assignment(organization, &before.assignment))
            .unwrap_or_default(),
        assignment_after: names::assignment(organization, &change.after.assignment),
        email_export_before: settings::to_optional_email_export(change.export_before()),
        email_export_after: settings::to_optional_email_export(change.export_after()),
        settings_change: change.changes_settings(),
    });
    v1::Preview {
        assignment_changes: preview.counts.assignment_changes.cast_signed(),
        flips_to_export: preview.counts.flips_to_export.cast_signed(),
        flips_to_do_not_export: preview.counts.flips_to_do_not_export.cast_signed(),
        settings_changes: preview.counts.settings_changes.cast_signed(),
        sample: sample.collect(),
    }
}

pub(crate) fn to_rejected(rejected: Vec<Rejection>) -> Vec<v1::RejectedRow> {
    let row = |row: Rejection| v1::RejectedRow { kind: row.kind.to_owned(), key: row.key, reason: row.reason };
    rejected.into_iter().take(REJECTED_MAX).map(row).collect()
}

/// How many, for a field without 64 bits.
pub(crate) fn to_count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Who calls. Until callers are authenticated nobody has a name.
pub(crate) fn caller(method: &'static str, validate_only: bool) -> Caller {
    Caller { actor: "anonymous".to_owned(), method, trace_id: crate::layers::trace_id(), validate_only }
}

//! Conversions between the contract and the domain: `parse_*` inward, `to_*` outward.

pub(crate) mod assignments;
pub(crate) mod audit;
pub(crate) mod catalog;
pub(crate) mod enums;
pub(crate) mod explain;
pub(crate) mod jobs;
pub(crate) mod lint;
pub(crate) mod members;
pub(crate) mod migration;
pub(crate) mod organizations;
pub(crate) mod self_check;
pub(crate) mod settings;

use chrono::{DateTime, Datelike as _};
use prost::Message as _;
use prost_types::Timestamp;
use rollcall_app::{Changed, Subject, Warning};
use rollcall_domain::{OrganizationId, Plan, Violation, directory::Rejection, names};
use rollcall_proto::v1;

use crate::tokens;

/// How many rejected rows a response lists at most; `rejected_count` is the number of all.
pub(crate) const REJECTED_MAX: usize = 10_000;

/// How many bytes the rejected rows of a response have at most: clients refuse messages of more than 4 MiB.
const REJECTED_BYTES_MAX: usize = 1_500_000;

/// How many bytes the key of a rejected row has at most.
const KEY_MAX: usize = 2_100;

/// Returns a time span; the longest one for a span that has no place in the message.
pub(crate) fn to_duration(span: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(span).unwrap_or(prost_types::Duration { seconds: i64::MAX, nanos: 0 })
}

pub(crate) fn to_timestamp(time: rollcall_domain::Timestamp) -> Timestamp {
    Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos().cast_signed() }
}

pub(crate) fn parse_timestamp(time: Timestamp) -> Result<rollcall_domain::Timestamp, Violation> {
    // chrono takes more nanoseconds for a leap second.
    let nanos = u32::try_from(time.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let parsed = nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
    let parsed = parsed.filter(|time| (1..=9999).contains(&time.year()));
    parsed.ok_or_else(|| Violation::invalid("", "this is not a time of the years 1 to 9999"))
}

/// The fields that the response of every mutation of an organization has.
pub(crate) struct Effects {
    pub(crate) preview: Option<v1::Preview>,
    pub(crate) warnings: Vec<v1::Warning>,
    pub(crate) revision: String,
}

pub(crate) fn to_effects<T>(organization: &OrganizationId, changed: &Changed<T>) -> Effects {
    Effects {
        preview: changed.preview.as_ref().map(|plan| to_preview(organization, plan)),
        warnings: to_warnings(organization, &changed.warnings),
        revision: tokens::revision(organization, changed.revision),
    }
}

/// How many changed members a preview shows.
const SAMPLE: usize = 20;

/// Renders a plan: a preview shows what would be written.
fn to_preview(organization: &OrganizationId, plan: &Plan) -> v1::Preview {
    let counts = plan.counts();
    let sample = plan.sample(SAMPLE).into_iter().map(|change| v1::MemberChange {
        member: names::member(organization, &change.member),
        assignment_before: change
            .before
            .as_ref()
            .map(|before| names::assignment(organization, &before.assignment))
            .unwrap_or_default(),
        assignment_after: names::assignment(organization, &change.after.assignment),
        email_export_before: enums::to_optional_email_export(change.export_before()),
        email_export_after: enums::to_optional_email_export(change.export_after()),
        settings_change: change.changes_settings(),
    });
    v1::Preview {
        assignment_changes: counts.assignment_changes.cast_signed(),
        flips_to_export: counts.flips_to_export.cast_signed(),
        flips_to_do_not_export: counts.flips_to_do_not_export.cast_signed(),
        settings_changes: counts.settings_changes.cast_signed(),
        sample: sample.collect(),
        held_seats_changes: plan.seats.held_changes.cast_signed(),
    }
}

/// Returns the first rejected rows.
pub(crate) fn to_rejected(rejected: &[Rejection]) -> Vec<v1::RejectedRow> {
    let mut bytes = 0;
    let fits = |row: &v1::RejectedRow| {
        bytes += row.encoded_len();
        bytes <= REJECTED_BYTES_MAX
    };
    rejected.iter().take(REJECTED_MAX).map(to_rejected_row).take_while(fits).collect()
}

pub(crate) fn to_rejected_row(row: &Rejection) -> v1::RejectedRow {
    v1::RejectedRow {
        kind: row.kind.to_owned(),
        key: row.key[..row.key.floor_char_boundary(KEY_MAX)].to_owned(),
        reason: row.reason.clone(),
    }
}

/// Returns a count for a field of 32 bits; the largest value when it does not fit.
pub(crate) fn to_count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// How many warnings a response has at most, and how many bytes they have.
const WARNINGS_MAX: usize = 1_000;
const WARNINGS_BYTES_MAX: usize = 1_000_000;

/// Returns the first warnings, and one about the number of the others.
fn to_warnings(organization: &OrganizationId, warnings: &[Warning]) -> Vec<v1::Warning> {
    let resource = |subject: &Subject| match subject {
        Subject::Assignment(id) => names::assignment(organization, id),
        Subject::Member(id) => names::member(organization, id),
    };
    let warning =
        |warning: &Warning| v1::Warning { resource: resource(&warning.subject), message: warning.message.clone() };
    let mut bytes = 0;
    let fits = |warning: &v1::Warning| {
        bytes += warning.encoded_len();
        bytes <= WARNINGS_BYTES_MAX
    };
    let mut shown: Vec<v1::Warning> = warnings.iter().take(WARNINGS_MAX).map(warning).take_while(fits).collect();
    let others = warnings.len() - shown.len();
    if others > 0 {
        let message =
            format!("{others} further warnings are left out; LintAssignments lists what is odd about the list");
        shown.push(v1::Warning { resource: names::organization(organization), message });
    }
    shown
}

#[cfg(test)]
mod tests {
    use rollcall_domain::AssignmentId;

    use super::*;

    #[test]
    fn warnings_are_counted_where_they_are_too_many_or_too_long() {
        let warning = |bytes: usize| Warning {
            subject: Subject::Assignment(AssignmentId::trusted("a")),
            message: "x".repeat(bytes),
        };
        let shown = |count: usize, bytes: usize| {
            let shown = to_warnings(&OrganizationId::trusted("acme"), &vec![warning(bytes); count]);
            let left_out = shown.last().filter(|last| last.resource == "organizations/acme");
            let left_out = left_out.map(|last| last.message.split(' ').next().unwrap().parse::<usize>().unwrap());
            (shown.len(), left_out)
        };
        assert_eq!(shown(0, 10), (0, None));
        assert_eq!(shown(1_000, 10), (1_000, None));
        assert_eq!(shown(1_234, 10), (1_001, Some(234)));
        assert_eq!(shown(10, 300_000), (4, Some(7)));
    }
}

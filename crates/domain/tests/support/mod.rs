//! Shared support of the tests of the rules: short names, builders, and an organization in memory to which plans are
//! applied, for tests of sequences of changes.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

mod builders;
mod changes;
mod claims;
mod org;

use std::collections::BTreeSet;

pub(crate) use builders::{AssignmentBuilder, PersonBuilder, Rows, catalog};
pub(crate) use org::{Org, Person};
use rollcall_domain::{
    AssignmentId, Email, GroupId, MemberId, OrganizationId, Refusal, Settings, Timestamp, UpdateMode, ViolationKind,
    email_export::{EmailExport, Setting, Since},
};

pub(crate) const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
pub(crate) const MANUAL: UpdateMode = UpdateMode::ManualEditing;
pub(crate) const EXPORT: EmailExport = EmailExport::Export;
pub(crate) const DO_NOT_EXPORT: EmailExport = EmailExport::DoNotExport;
pub(crate) const ALWAYS: Setting = Setting::Export(Since::Always);
pub(crate) const NOT: Setting = Setting::DoNotExport;

/// A time, in minutes after the start of the test.
pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap_or_else(|| panic!("minute {minute} is a moment"))
}

/// EXPORT since a time.
pub(crate) fn since(minute: i64) -> Setting {
    Setting::Export(Since::At(at(minute)))
}

pub(crate) fn organization() -> OrganizationId {
    OrganizationId::trusted("acme")
}

pub(crate) fn assignment(id: &str) -> AssignmentId {
    AssignmentId::trusted(id)
}

pub(crate) fn member(id: &str) -> MemberId {
    MemberId::trusted(id)
}

pub(crate) fn email(address: &str) -> Email {
    Email::trusted(address)
}

pub(crate) fn groups(ids: &[&str]) -> BTreeSet<GroupId> {
    ids.iter().map(|id| GroupId::trusted(*id)).collect()
}

/// Settings with these seats.
pub(crate) fn seats(ids: &[&str]) -> Settings {
    Settings { seats: ids.iter().map(|id| (*id).to_owned()).collect(), ..Settings::default() }
}

/// Returns the kinds of the violations of a refused request.
pub(crate) fn violations<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Vec<ViolationKind> {
    match result {
        Err(Refusal::Invalid(found)) => found.into_iter().map(|violation| violation.kind).collect(),
        other => panic!("refused as not valid was expected, not {other:?}"),
    }
}

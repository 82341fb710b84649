//! The steps that are measured.

use rollcall_proto::v1::EmailExport;

/// The measured steps, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A FULL sync of an organization without members.
    Sync,
    /// A new first assignment that every member enters.
    Enter,
    /// A value is chosen for the members of that assignment.
    Choose(EmailExport),
    /// The first sync once more, which changes nothing.
    SyncAgain,
}

pub(crate) const STEPS: [Step; 5] = [
    Step::Sync,
    Step::Enter,
    Step::Choose(EmailExport::Export),
    Step::Choose(EmailExport::DoNotExport),
    Step::SyncAgain,
];

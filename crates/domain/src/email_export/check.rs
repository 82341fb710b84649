//! Decides whether an email may be exported to the CRM. Other services ask this before every export.

use super::{MemberExport, Setting, Since, Source};
use crate::{AssignmentId, MemberId, Phase, Timestamp};

/// The stored facts about the member that a decision concerns. `M` is how the member is named: answers from memory borrow
/// the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSubject<M = MemberId> {
    /// The member.
    pub member: M,
    /// Whether the member is active.
    pub active: bool,
    /// The member's assignment.
    pub assignment: AssignmentId,
    /// The setting; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
    /// The old setting; decides in phase LEGACY.
    pub legacy: Option<bool>,
}

/// Why an email may, or may not, be exported (product.md 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It may.
    Exported,
    /// The setting says no.
    SettingIsDoNotExport,
    /// Nothing is retroactive.
    SentBeforeExportWasEnabled,
    /// Inactive members export nothing.
    MemberInactive,
    /// The organization has no such member.
    MemberUnknown,
}

/// A decision with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<M = MemberId> {
    /// The member; `None` if the organization has no such member.
    pub member: Option<M>,
    /// Why; the answer is yes only for [`Reason::Exported`].
    pub reason: Reason,
    /// Where the setting came from, for a known member.
    pub source: Option<Source>,
    /// The start of the period of EXPORT; `None` unless the setting is EXPORT since a moment.
    pub export_since: Option<Timestamp>,
    /// The member's assignment.
    pub assignment: Option<AssignmentId>,
}

impl<M> Decision<M> {
    /// Whether the email may be exported.
    #[must_use]
    pub fn export(&self) -> bool {
        self.reason == Reason::Exported
    }
}

/// Answers for an email sent at `sent`; without it the time is not compared (product.md 4.7).
#[must_use]
pub fn decide<M>(phase: Phase, subject: Option<CheckSubject<M>>, sent: Option<Timestamp>) -> Decision<M> {
    let Some(subject) = subject else {
        let reason = Reason::MemberUnknown;
        return Decision { member: None, reason, source: None, export_since: None, assignment: None };
    };
    let export = effective(phase, subject.export, subject.legacy);
    let reason = match export.setting {
        _ if !subject.active => Reason::MemberInactive,
        Setting::DoNotExport => Reason::SettingIsDoNotExport,
        Setting::Export(Since::At(start)) if sent.is_some_and(|sent| sent < start) => {
            Reason::SentBeforeExportWasEnabled
        }
        Setting::Export(_) => Reason::Exported,
    };
    Decision {
        member: Some(subject.member),
        reason,
        source: Some(export.source),
        export_since: export.setting.start(),
        assignment: Some(subject.assignment),
    }
}

/// The setting that decides: the old one in phase LEGACY, the member's own afterwards.
fn effective(phase: Phase, export: Option<MemberExport>, legacy: Option<bool>) -> MemberExport {
    match (phase, export) {
        (Phase::Migrated, Some(export)) => export,
        // A migrated member always has a setting; should one not, nothing is exported.
        (Phase::Migrated, None) => MemberExport { setting: Setting::DoNotExport, source: Source::Assignment },
        (Phase::Legacy, _) => MemberExport::legacy(legacy),
    }
}

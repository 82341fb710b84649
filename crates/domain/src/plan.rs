//! What a change does, as a plain value: the store writes it, a preview counts it, a test
//! compares it. None of the three can disagree with another.

use std::collections::{HashMap, HashSet};

use crate::{
    Assignment, AssignmentId, AssignmentList, MemberId, MemberState, Phase, SettingsId, Timestamp,
    email_export::{self, EmailExport, MemberExport, Source, Summary},
    seats::SeatChanges,
    settings::Settings,
};

/// Everything that depends on a member's assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The stored assignment.
    pub assignment: AssignmentId,
    /// Seats, workspaces and data capture as given to the member.
    pub settings: SettingsId,
    /// The email export setting; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
}

/// Why a member's settings changed (product.md 4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// The member's assignment was edited.
    AssignmentEdited,
    /// The member entered another assignment, or their first one.
    EnteredAssignment,
    /// A tech admin edited the member.
    EditedByHand,
    /// The member became active again in an automatic assignment.
    BecameActive,
    /// The settings migration carried the old setting over.
    Migration,
    /// The settings migration was rolled back: the old settings decide again.
    RolledBack,
}

impl Cause {
    /// The word in columns.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What happens to one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// The member.
    pub member: MemberId,
    /// What the member had; `None` for a new one.
    pub before: Option<Held>,
    /// What the member has afterwards.
    pub after: Held,
    /// Why.
    pub cause: Cause,
}

/// What a change of assignments, pins or members writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// An assignment that is created or updated.
    pub saved: Option<Assignment>,
    /// Whether a tech admin chose a value of email export with that (product.md 4.1, 7.6); what settles by itself (4.6)
    /// is not chosen.
    pub chooses: bool,
    /// An assignment that is deleted.
    pub removed: Option<AssignmentId>,
    /// The ranks of all assignments, when any of them changes.
    pub ranks: Vec<(AssignmentId, u32)>,
    /// Members who are pinned, all to one assignment.
    pub pinned: Option<(AssignmentId, Vec<MemberId>)>,
    /// Members whose pin goes.
    pub unpinned: Vec<MemberId>,
    /// Settings that members or assignments are given and that may be new.
    pub settings: Vec<Settings>,
    /// What happens to members; one who keeps everything is not here.
    pub members: Vec<MemberChange>,
    /// What happens to seats of which there are only so many.
    pub seats: SeatChanges,
}

/// How many members a plan touches, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Members who change assignment, new ones included.
    pub assignment_changes: u32,
    /// Members whose email export flips to EXPORT.
    pub flips_to_export: u32,
    /// Members whose email export flips to `DO_NOT_EXPORT`.
    pub flips_to_do_not_export: u32,
    /// Members whose other settings change.
    pub settings_changes: u32,
}

impl MemberChange {
    fn value(held: &Held) -> Option<EmailExport> {
        held.export.map(|export| export.setting.value())
    }

    /// The value before, `None` for a new member or in phase LEGACY.
    #[must_use]
    pub fn export_before(&self) -> Option<EmailExport> {
        self.before.as_ref().and_then(Self::value)
    }

    /// The value after, `None` in phase LEGACY.
    #[must_use]
    pub fn export_after(&self) -> Option<EmailExport> {
        Self::value(&self.after)
    }

    /// Whether the member changes assignment.
    #[must_use]
    pub fn changes_assignment(&self) -> bool {
        self.before.as_ref().is_none_or(|before| before.assignment != self.after.assignment)
    }

    /// Whether the settings other than email export change.
    #[must_use]
    pub fn changes_settings(&self) -> bool {
        self.before.as_ref().is_none_or(|before| before.settings != self.after.settings)
    }
}

impl Plan {
    /// How many members it touches.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.members {
            counts.assignment_changes += u32::from(change.changes_assignment());
            counts.settings_changes += u32::from(change.changes_settings());
            let (before, after) = (change.export_before(), change.export_after());
            let flips = before.is_some() && before != after;
            counts.flips_to_export += u32::from(flips && after == Some(EmailExport::Export));
            counts.flips_to_do_not_export += u32::from(flips && after == Some(EmailExport::DoNotExport));
        }
        counts
    }

    /// What the members of an assignment have afterwards, given what they have before and the members that the plan was
    /// made with: no plan changes who is active.
    #[must_use]
    pub fn summary_of(&self, assignment: &AssignmentId, before: Summary, members: &[MemberState]) -> Summary {
        let active: HashSet<&MemberId> = members.iter().filter(|m| m.active).map(|m| &m.id).collect();
        let count = |held: fn(&MemberChange) -> Option<&Held>| {
            let inside = self.members.iter().filter_map(|change| Some((&change.member, held(change)?)));
            let inside = inside.filter(|(_, held)| held.assignment == *assignment);
            Summary::count(inside.map(|(member, held)| (active.contains(member), MemberChange::value(held))))
        };
        let (gone, come) = (count(|change| change.before.as_ref()), count(|change| Some(&change.after)));
        Summary {
            exporting: (before.exporting + come.exporting).saturating_sub(gone.exporting),
            not_exporting: (before.not_exporting + come.not_exporting).saturating_sub(gone.not_exporting),
            inactive: (before.inactive + come.inactive).saturating_sub(gone.inactive),
        }
    }

    /// Adds what happens to a member, unless it is nothing.
    pub fn push(&mut self, member: MemberId, before: Option<&Held>, after: Held, cause: Cause) {
        if before != Some(&after) {
            self.members.push(MemberChange { member, before: before.cloned(), after, cause });
        }
    }
}

/// What assignments give, under the list as it will be and the members as they were.
#[derive(Debug)]
pub struct Giving<'a> {
    phase: Phase,
    now: Timestamp,
    settings: HashMap<&'a AssignmentId, SettingsId>,
    summaries: &'a HashMap<AssignmentId, Summary>,
}

impl<'a> Giving<'a> {
    /// `summaries` holds, for each assignment without a chosen value, what its members have
    /// before the change.
    #[must_use]
    pub fn new(
        phase: Phase,
        now: Timestamp,
        list: &'a AssignmentList,
        summaries: &'a HashMap<AssignmentId, Summary>,
    ) -> Self {
        let settings = list.ranked().map(|(_, a)| (&a.id, a.settings.id())).collect();
        Self { phase, now, settings, summaries }
    }

    /// The whole bundle, as someone who enters gets it.
    #[must_use]
    pub fn bundle(&self, target: &Assignment, before: Option<&Held>) -> Held {
        Held { export: self.entering(target, before), ..self.settings_only(target, before) }
    }

    /// Seats, workspaces and data capture; email export as it was.
    #[must_use]
    pub fn settings_only(&self, target: &Assignment, before: Option<&Held>) -> Held {
        let settings = self.settings.get(&target.id).copied().unwrap_or_else(|| target.settings.id());
        Held { assignment: target.id.clone(), settings, export: before.and_then(|held| held.export) }
    }

    /// A value that a tech admin has chosen, for a member of the assignment.
    #[must_use]
    pub fn chosen(&self, value: EmailExport, held: &Held) -> Held {
        let export = MemberExport::given(value, Source::Assignment, held.export, self.now);
        Held { export: Some(export), ..held.clone() }
    }

    fn entering(&self, target: &Assignment, before: Option<&Held>) -> Option<MemberExport> {
        if self.phase == Phase::Legacy {
            return None;
        }
        let summary = self.summaries.get(&target.id).copied().unwrap_or_default();
        Some(email_export::entering(target.chosen, summary, before.and_then(|held| held.export), self.now))
    }
}

//! A plan: everything that a change writes, as a plain value. The store writes the plan, a preview renders it, and a test
//! compares it, so none of the three can disagree with another.

use std::collections::HashSet;

use uuid::Uuid;

use crate::{
    Assignment, AssignmentId, Held, MemberId, MemberState, Organization,
    catalog::Catalog,
    directory::DirectoryChanges,
    email_export::{EmailExport, Summary},
    seats::SeatChanges,
    settings::Settings,
};

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

crate::words!(Cause);

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

/// An assignment that a plan creates or updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedAssignment {
    /// The assignment as it is saved.
    pub assignment: Assignment,
    /// Its rank in the list as it will be.
    pub rank: u32,
    /// The unique id of an assignment that is created; `None` for one that is updated.
    pub new_uid: Option<Uuid>,
    /// Whether a tech admin chooses a value of email export with this save (product.md 4.1, 7.6). A value on which the
    /// members agree (4.6) is not a choice.
    pub chooses: bool,
}

/// Members who are pinned to an assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins {
    /// The assignment.
    pub assignment: AssignmentId,
    /// The members.
    pub members: Vec<MemberId>,
    /// Why they are pinned, as the caller wrote it.
    pub reason: String,
}

/// Everything that a change writes. Parts that the change does not touch are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// An organization whose own fields change.
    pub organization: Option<Organization>,
    /// A catalog that replaces the current one.
    pub catalog: Option<Catalog>,
    /// An assignment that is created or updated.
    pub saved: Option<SavedAssignment>,
    /// An assignment that is deleted.
    pub removed: Option<AssignmentId>,
    /// The ranks of all assignments, when any of them changes.
    pub ranks: Vec<(AssignmentId, u32)>,
    /// Members who are pinned.
    pub pinned: Option<Pins>,
    /// Members whose pin is removed.
    pub unpinned: Vec<MemberId>,
    /// Settings that members or assignments are given and that may be new.
    pub settings: Vec<Settings>,
    /// People, groups and memberships that a sync changes.
    pub directory: DirectoryChanges,
    /// The members whose assignment, settings or email export change.
    pub members: Vec<MemberChange>,
    /// The seats that are granted, and the members who begin to wait for one.
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
    /// The value before, `None` for a new member or in phase LEGACY.
    #[must_use]
    pub fn export_before(&self) -> Option<EmailExport> {
        self.before.as_ref().and_then(Held::export_value)
    }

    /// The value after, `None` in phase LEGACY.
    #[must_use]
    pub fn export_after(&self) -> Option<EmailExport> {
        self.after.export_value()
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
    /// Whether nothing would be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // Taken apart, so that a new part cannot be forgotten here.
        let Self {
            organization,
            catalog,
            saved,
            removed,
            ranks,
            pinned,
            unpinned,
            settings,
            directory,
            members,
            seats,
        } = self;
        organization.is_none()
            && catalog.is_none()
            && saved.is_none()
            && removed.is_none()
            && ranks.is_empty()
            && pinned.is_none()
            && unpinned.is_empty()
            && settings.is_empty()
            && directory.is_empty()
            && members.is_empty()
            && seats.queues.is_empty()
    }

    /// Counts the members that the plan touches, by what changes for them.
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

    /// Returns what the members of an assignment have after the plan. `before` is what they have before it, and `members`
    /// are the members that the plan was made with. Only for plans that change no member's activation.
    #[must_use]
    pub fn summary_of(&self, assignment: &AssignmentId, before: Summary, members: &[MemberState]) -> Summary {
        let active: HashSet<&MemberId> = members.iter().filter(|m| m.active).map(|m| &m.id).collect();
        let count = |held: fn(&MemberChange) -> Option<&Held>| {
            let inside = self.members.iter().filter_map(|change| Some((&change.member, held(change)?)));
            let inside = inside.filter(|(_, held)| held.assignment == *assignment);
            Summary::count(inside.map(|(member, held)| (active.contains(member), held.export_value())))
        };
        let (gone, come) = (count(|change| change.before.as_ref()), count(|change| Some(&change.after)));
        Summary {
            exporting: (before.exporting + come.exporting).saturating_sub(gone.exporting),
            not_exporting: (before.not_exporting + come.not_exporting).saturating_sub(gone.not_exporting),
            inactive: (before.inactive + come.inactive).saturating_sub(gone.inactive),
        }
    }

    /// The first members that the plan changes, in byte order of their ids: what a preview shows.
    #[must_use]
    pub fn sample(&self, size: usize) -> Vec<&MemberChange> {
        let mut members: Vec<&MemberChange> = self.members.iter().collect();
        members.sort_unstable_by(|a, b| a.member.cmp(&b.member));
        members.truncate(size);
        members
    }

    /// Adds a member's change, unless the member keeps everything.
    pub fn push(&mut self, member: MemberId, before: Option<&Held>, after: Held, cause: Cause) {
        if before != Some(&after) {
            self.members.push(MemberChange { member, before: before.cloned(), after, cause });
        }
    }
}

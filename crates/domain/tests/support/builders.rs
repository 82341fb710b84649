//! Builders: `new` takes the required values, and the rest has a default.

use rollcall_domain::{
    Assignment, Settings, UpdateMode,
    catalog::{Catalog, Profile, SeatType, Workspace},
    directory::{RawGroup, RawMember, RawMembership, RawRows},
    email_export::{EmailExport, Setting},
};

use super::{assignment, groups, seats};

/// An assignment without seats and without a chosen value.
#[derive(Clone)]
pub(crate) struct AssignmentBuilder(Assignment);

impl AssignmentBuilder {
    pub(crate) fn new(id: &str, update_mode: UpdateMode, group_ids: &[&str]) -> Self {
        Self(Assignment {
            id: assignment(id),
            display_name: id.to_owned(),
            groups: groups(group_ids),
            update_mode,
            settings: Settings::default(),
            chosen: None,
        })
    }

    pub(crate) fn chosen(mut self, value: EmailExport) -> Self {
        self.0.chosen = Some(value);
        self
    }

    pub(crate) fn seats(mut self, ids: &[&str]) -> Self {
        self.0.settings = seats(ids);
        self
    }

    pub(crate) fn build(self) -> Assignment {
        self.0
    }
}

/// An active member in the resolved assignment, with its settings.
#[derive(Clone)]
pub(crate) struct PersonBuilder {
    pub(super) id: String,
    pub(super) groups: Vec<String>,
    pub(super) active: bool,
    pub(super) inside: Option<String>,
    pub(super) pin: Option<String>,
    pub(super) setting: Option<Setting>,
    pub(super) seats: Option<Settings>,
    pub(super) legacy: Option<bool>,
}

impl PersonBuilder {
    pub(crate) fn new(id: &str, group_ids: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            groups: group_ids.iter().map(|id| (*id).to_owned()).collect(),
            active: true,
            inside: None,
            pin: None,
            setting: None,
            seats: None,
            legacy: None,
        }
    }

    pub(crate) fn inactive(mut self) -> Self {
        self.active = false;
        self
    }

    /// Puts the member into this assignment, whatever the groups, as in a manual assignment.
    pub(crate) fn inside(mut self, id: &str) -> Self {
        self.inside = Some(id.to_owned());
        self
    }

    pub(crate) fn pinned(mut self, id: &str) -> Self {
        self.pin = Some(id.to_owned());
        self
    }

    pub(crate) fn setting(mut self, setting: Setting) -> Self {
        self.setting = Some(setting);
        self
    }

    pub(crate) fn seats(mut self, ids: &[&str]) -> Self {
        self.seats = Some(seats(ids));
        self
    }

    pub(crate) fn legacy(mut self, export: bool) -> Self {
        self.legacy = Some(export);
        self
    }
}

/// The rows of a sync. Addresses are `{id}@acme.example` unless given.
#[derive(Clone, Default)]
pub(crate) struct Rows(pub(crate) RawRows);

impl Rows {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn person(self, id: &str) -> Self {
        self.person_with(id, &format!("{id}@acme.example"), Some(true))
    }

    pub(crate) fn inactive_person(self, id: &str) -> Self {
        self.person_with(id, &format!("{id}@acme.example"), Some(false))
    }

    pub(crate) fn person_with(mut self, id: &str, email: &str, active: Option<bool>) -> Self {
        let (member, email) = (id.to_owned(), email.to_owned());
        self.0.members.push(RawMember { member, email, active, ..RawMember::default() });
        self
    }

    pub(crate) fn group(self, id: &str) -> Self {
        self.group_named(id, id)
    }

    pub(crate) fn group_named(mut self, id: &str, display_name: &str) -> Self {
        let (group, display_name) = (id.to_owned(), display_name.to_owned());
        self.0.groups.push(RawGroup { group, display_name });
        self
    }

    pub(crate) fn joins(mut self, member: &str, group: &str) -> Self {
        self.0.memberships.push(membership(member, group));
        self
    }

    pub(crate) fn leaves(mut self, member: &str, group: &str) -> Self {
        self.0.removed.push(membership(member, group));
        self
    }
}

fn membership(member: &str, group: &str) -> RawMembership {
    RawMembership { group: group.to_owned(), member: member.to_owned() }
}

/// The seat types `gong`, `forecast`, and `engage`, which requires `gong`; and one workspace with one profile.
pub(crate) fn catalog() -> Catalog {
    let seat = |id: &str, requires: &[&str]| SeatType {
        id: id.to_owned(),
        display_name: id.to_owned(),
        requires: requires.iter().map(|id| (*id).to_owned()).collect(),
        total: None,
    };
    let profile = Profile { id: "rep".to_owned(), display_name: "Sales rep".to_owned() };
    let workspace = Workspace { id: "emea".to_owned(), display_name: "EMEA".to_owned(), profiles: vec![profile] };
    Catalog {
        seat_types: vec![seat("gong", &[]), seat("forecast", &[]), seat("engage", &["gong"])],
        workspaces: vec![workspace],
    }
}

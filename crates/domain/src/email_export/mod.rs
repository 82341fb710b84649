//! Email export to CRM: the setting, what an assignment's members have, and what entering
//! gives (product.md 4).

mod check;
mod csv;
mod holdings;

pub use check::{CheckSubject, Decision, Reason, decide};
pub use csv::export_since_text;
pub use holdings::{AddressChange, AddressGains, Holding, find_holder};

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use crate::Timestamp;

/// The setting as it can be chosen.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum EmailExport {
    /// "Export emails".
    Export,
    /// "Do not export emails".
    DoNotExport,
}

crate::words!(EmailExport, Source, State);

/// The start of the current unbroken period of EXPORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Since {
    /// Carried over by the migration.
    Always,
    /// The moment the member was given EXPORT.
    At(Timestamp),
}

/// Where a member's setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// From the assignment, by entering it or by a choice made on it.
    Assignment,
    /// A tech admin edited this member.
    EditedByHand,
    /// Carried over by the migration.
    Migration,
    /// The old settings page itself; never stored.
    Legacy,
}

/// A member's setting. That a member without export has no `since` is part of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// Not exported.
    DoNotExport,
    /// Exported, when sent at or after the start.
    Export(Since),
}

impl Setting {
    /// The value without its start.
    #[must_use]
    pub fn value(self) -> EmailExport {
        match self {
            Self::DoNotExport => EmailExport::DoNotExport,
            Self::Export(_) => EmailExport::Export,
        }
    }

    /// The start of the period of EXPORT; `None` for "always", and without one.
    #[must_use]
    pub fn start(self) -> Option<Timestamp> {
        match self {
            Self::Export(Since::At(start)) => Some(start),
            _ => None,
        }
    }

    /// What an old setting means: exported since always (product.md 4.7); no row means not.
    #[must_use]
    pub fn carried_over(legacy: Option<bool>) -> Self {
        if legacy.unwrap_or(false) { Self::Export(Since::Always) } else { Self::DoNotExport }
    }

    /// `value` given to a member who had `before`. The start of a period of EXPORT that is
    /// under way does not move (product.md 4.7).
    #[must_use]
    pub fn given(value: EmailExport, before: Option<Self>, now: Timestamp) -> Self {
        match (value, before) {
            (EmailExport::DoNotExport, _) => Self::DoNotExport,
            (EmailExport::Export, Some(Self::Export(since))) => Self::Export(since),
            (EmailExport::Export, _) => Self::Export(Since::At(now)),
        }
    }
}

/// A member's setting with where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberExport {
    /// The setting.
    pub setting: Setting,
    /// Where it came from.
    pub source: Source,
}

impl MemberExport {
    /// What an old setting means in phase LEGACY.
    #[must_use]
    pub fn legacy(setting: Option<bool>) -> Self {
        Self { setting: Setting::carried_over(setting), source: Source::Legacy }
    }

    /// `value` given from `source` to a member who had `before`.
    #[must_use]
    pub fn given(value: EmailExport, source: Source, before: Option<Self>, now: Timestamp) -> Self {
        Self { setting: Setting::given(value, before.map(|b| b.setting), now), source }
    }
}

/// How many members of an assignment have what (product.md 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Active members with EXPORT.
    pub exporting: u32,
    /// Active members with `DO_NOT_EXPORT`.
    pub not_exporting: u32,
    /// Inactive members, whatever their setting.
    pub inactive: u32,
}

/// What the active members of an assignment have, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// All have EXPORT.
    Export,
    /// All have `DO_NOT_EXPORT`.
    DoNotExport,
    /// They differ.
    Mixed,
}

impl State {
    /// The one value that the active members have, `None` while they differ.
    #[must_use]
    pub fn agreed(self) -> Option<EmailExport> {
        match self {
            Self::Export => Some(EmailExport::Export),
            Self::DoNotExport => Some(EmailExport::DoNotExport),
            Self::Mixed => None,
        }
    }
}

impl Summary {
    /// Counts members given as whether they are active and what they have.
    pub fn count(members: impl IntoIterator<Item = (bool, Option<EmailExport>)>) -> Self {
        let mut summary = Self::default();
        for (active, value) in members {
            match (active, value) {
                (false, _) => summary.inactive += 1,
                (true, Some(EmailExport::Export)) => summary.exporting += 1,
                (true, _) => summary.not_exporting += 1,
            }
        }
        summary
    }

    /// How many members the assignment has, inactive ones included.
    #[must_use]
    pub fn members(&self) -> u32 {
        self.exporting + self.not_exporting + self.inactive
    }

    /// Whether the assignment is *mixed*: its active members have different settings. SQL statements repeat this
    /// definition; a test of the store checks that they agree.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.exporting > 0 && self.not_exporting > 0
    }

    /// The state shown: without active members the chosen value, else `DO_NOT_EXPORT`.
    #[must_use]
    pub fn state(&self, chosen: Option<EmailExport>) -> State {
        match (self.exporting, self.not_exporting) {
            _ if self.is_mixed() => State::Mixed,
            (0, 0) if chosen == Some(EmailExport::Export) => State::Export,
            (0, _) => State::DoNotExport,
            _ => State::Export,
        }
    }

    /// The one value that stands for the assignment, `None` while it is mixed.
    #[must_use]
    pub fn agreed(&self, chosen: Option<EmailExport>) -> Option<EmailExport> {
        self.state(chosen).agreed()
    }

    /// The value that would change fewer active members; `DO_NOT_EXPORT` where both change as many, because an export
    /// cannot be undone.
    #[must_use]
    pub fn fewer_changes(&self) -> EmailExport {
        if self.not_exporting < self.exporting { EmailExport::Export } else { EmailExport::DoNotExport }
    }

    /// How many active members do not have that value.
    #[must_use]
    pub fn members_to_move(&self) -> u32 {
        self.exporting.min(self.not_exporting)
    }
}

/// What a member who enters an assignment is given (product.md 4.6). `state` is what the active members of the assignment
/// have; it counts only if no value is chosen.
#[must_use]
pub fn entering(
    chosen: Option<EmailExport>,
    state: State,
    before: Option<MemberExport>,
    now: Timestamp,
) -> MemberExport {
    match (chosen.or_else(|| state.agreed()), before) {
        (Some(value), _) => MemberExport::given(value, Source::Assignment, before, now),
        (None, Some(kept)) => kept,
        (None, None) => MemberExport { setting: Setting::DoNotExport, source: Source::Assignment },
    }
}

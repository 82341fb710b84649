//! The self-check: compares what is stored of an organization with the rules (product.md 9). It only reports.
//!
//! The functions of this module look at one part of an organization at a time, as one read snapshot shows it. A
//! difference that a snapshot shows is reported only if the same part shows it while the organization's lock is held.

mod audit;
mod list;
mod members;
mod seats;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

pub use audit::check_revisions;
pub use list::{check_chosen_values, check_ranks, is_default_last};
pub use members::{CheckedMember, MemberCheck, NewestChange};
pub use seats::SeatTally;

use crate::{AssignmentId, MemberId, OrganizationId, Timestamp, names};

/// A rule that stored data is compared with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckRule {
    /// Ranks are 1 to n, and the default assignment is the last one (product.md 2.1, 2.3).
    DenseRanks,
    /// Only an assignment that the migration left mixed has no chosen value; in phase LEGACY none has one (4.1, 7.2).
    ChosenValue,
    /// A member is in the assignment that pin, update mode, order and groups give (2.5, 3, 5).
    MemberAssignment,
    /// An active member of an automatic assignment has the settings and the chosen value of the assignment (3).
    AutomaticSettings,
    /// A member has an email export setting exactly in phase MIGRATED (7.2).
    EmailExportPhase,
    /// Only an active member waits for a seat, only for one that their settings give, and only if there is a total (6).
    PendingSeat,
    /// A member waits only while all seats of the type are used, and no seat is given beyond the total (6).
    SeatTotal,
    /// A member has what the newest change in the history gave (4.9).
    MemberHistory,
    /// The audit has one event for each revision (9).
    AuditRevisions,
}

crate::words!(CheckRule);

/// What a difference is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceSubject {
    /// An assignment.
    Assignment(String),
    /// A member.
    Member(String),
    /// A seat type of the catalog.
    SeatType(String),
    /// The audit event of a revision.
    Revision(i64),
}

/// Stored data that differs from a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// The rule.
    pub rule: CheckRule,
    /// What the difference is about.
    pub subject: DifferenceSubject,
    /// What is stored and what the rule says: with ids, and without names and email addresses.
    pub message: String,
}

impl Difference {
    fn of_assignment(rule: CheckRule, id: &AssignmentId, message: String) -> Self {
        Self { rule, subject: DifferenceSubject::Assignment(id.to_string()), message }
    }

    fn of_member(rule: CheckRule, id: &MemberId, message: impl Into<String>) -> Self {
        Self { rule, subject: DifferenceSubject::Member(id.to_string()), message: message.into() }
    }
}

impl DifferenceSubject {
    /// The name of the resource that the difference is about. A seat type is a part of the catalog, and an audit event
    /// has no name of its own: its organization is named.
    #[must_use]
    pub fn resource(&self, organization: &OrganizationId) -> String {
        match self {
            Self::Assignment(id) => names::assignment(organization, &AssignmentId::trusted(id.as_str())),
            Self::Member(id) => names::member(organization, &MemberId::trusted(id.as_str())),
            Self::SeatType(_) => names::child(organization, "catalog"),
            Self::Revision(_) => names::organization(organization),
        }
    }
}

impl fmt::Display for DifferenceSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assignment(id) => write!(f, "assignment {id}"),
            Self::Member(id) => write!(f, "member {id}"),
            Self::SeatType(id) => write!(f, "seat type {id}"),
            Self::Revision(revision) => write!(f, "revision {revision}"),
        }
    }
}

/// How many differences of one check are kept in full.
const KEPT_MAX: usize = 1_000;

/// The differences of one check. All are counted, and the first 1,000 are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// How many there are of each rule; a rule without a difference is absent.
    pub counts: BTreeMap<CheckRule, u32>,
    /// The first ones, in the order in which the check found them.
    pub kept: Vec<Difference>,
}

impl Differences {
    /// Adds what a part of the organization shows.
    pub fn add(&mut self, found: Vec<Difference>) {
        for difference in found {
            *self.counts.entry(difference.rule).or_default() += 1;
            if self.kept.len() < KEPT_MAX {
                self.kept.push(difference);
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.values().sum()
    }
}

/// The last self-check of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfCheck {
    /// The organization's revision when the check began.
    pub revision: i64,
    /// When the check ended.
    pub time: Timestamp,
    /// What it found.
    pub differences: Differences,
}

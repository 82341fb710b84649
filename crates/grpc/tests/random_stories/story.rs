//! What is played: some organizations, and steps of which each says what happens to one of them. What
//! exactly it is, is drawn when its turn comes, from what is there then.

use proptest::prelude::*;

/// A sequence.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// Whether each of its organizations begins in phase LEGACY.
    pub(crate) legacy: Vec<bool>,
    pub(crate) steps: Vec<Step>,
}

/// A step of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Which organization.
    pub(crate) organization: usize,
    pub(crate) kind: Kind,
    /// What the rest is drawn from.
    pub(crate) seed: u64,
}

/// What kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    UpdateOrganization,
    UpdateCatalog,
    Create,
    Update,
    Delete,
    MoveAssignment,
    Reorder,
    Edit,
    MoveMembers,
    Release,
    Delta,
    Full,
    Import,
    RunMigration,
    RollBack,
    Retry,
    /// Several of them by several callers at once.
    Burst,
}

/// The kinds that any caller may ask for, with how often they come.
const KINDS: [(u32, Kind); 15] = [
    (3, Kind::UpdateOrganization),
    (6, Kind::UpdateCatalog),
    (8, Kind::Create),
    (20, Kind::Update),
    (4, Kind::Delete),
    (6, Kind::MoveAssignment),
    (4, Kind::Reorder),
    (11, Kind::Edit),
    (8, Kind::MoveMembers),
    (6, Kind::Release),
    (13, Kind::Delta),
    (4, Kind::Full),
    (3, Kind::Import),
    (2, Kind::RollBack),
    (2, Kind::Retry),
];

impl Kind {
    /// A kind that any caller may ask for.
    pub(crate) fn drawn(roll: u32) -> Self {
        let total: u32 = KINDS.iter().map(|(weight, _)| weight).sum();
        let mut left = roll % total;
        for (weight, kind) in KINDS {
            if left < weight {
                return kind;
            }
            left -= weight;
        }
        Self::Update
    }
}

/// How every organization begins; half of those in phase LEGACY are migrated at once.
const BEGIN: [Kind; 7] =
    [Kind::UpdateCatalog, Kind::Full, Kind::Create, Kind::Create, Kind::Create, Kind::Import, Kind::RunMigration];

/// Two organizations, set up, and at least fifty steps more.
pub(crate) fn stories() -> impl Strategy<Value = Story> {
    let legacy = prop::collection::vec(prop::bool::weighted(0.6), 2);
    let kind = prop_oneof![
        95 => any::<u32>().prop_map(Kind::drawn),
        3 => Just(Kind::RunMigration),
        2 => Just(Kind::Burst),
    ];
    let step = (0..2_usize, kind, any::<u64>());
    let step = step.prop_map(|(organization, kind, seed)| Step { organization, kind, seed }).no_shrink();
    let begin = 2 * BEGIN.len();
    // A step is taken out, not made simpler: that shows what matters.
    let steps = prop::collection::vec((prop::bool::weighted(1.0), step), begin + 50..begin + 65);
    (legacy, steps).prop_map(|(legacy, steps)| {
        let number = |(index, (played, step)): (usize, (bool, Step))| {
            let begins =
                BEGIN.get(index / 2).filter(|kind| **kind != Kind::RunMigration || step.seed.is_multiple_of(4));
            let begins = begins.map(|kind| Step { organization: index % 2, kind: *kind, ..step });
            played.then_some(begins.unwrap_or(step))
        };
        Story { legacy, steps: steps.into_iter().enumerate().filter_map(number).collect() }
    })
}

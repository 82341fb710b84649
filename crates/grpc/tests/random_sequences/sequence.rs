//! The strategy that generates sequences: some organizations, and steps with a kind and a seed. The
//! request of a step is generated from the seed and the state of the organization at that point.

use proptest::prelude::*;

/// A sequence.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    /// For each organization, whether it is created in phase LEGACY.
    pub(crate) legacy: Vec<bool>,
    /// The steps in order.
    pub(crate) steps: Vec<SequenceStep>,
}

/// A step of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequenceStep {
    /// The index of the organization.
    pub(crate) organization: usize,
    /// The kind of change.
    pub(crate) kind: StepKind,
    /// The seed of the request.
    pub(crate) seed: u64,
}

/// The kind of change of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
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
    /// Several changes by several concurrent callers.
    Burst,
}

/// The kinds that a caller may request, with their weights.
const STEP_WEIGHTS: [(u32, StepKind); 15] = [
    (3, StepKind::UpdateOrganization),
    (6, StepKind::UpdateCatalog),
    (8, StepKind::Create),
    (20, StepKind::Update),
    (4, StepKind::Delete),
    (6, StepKind::MoveAssignment),
    (4, StepKind::Reorder),
    (11, StepKind::Edit),
    (8, StepKind::MoveMembers),
    (6, StepKind::Release),
    (13, StepKind::Delta),
    (4, StepKind::Full),
    (3, StepKind::Import),
    (2, StepKind::RollBack),
    (2, StepKind::Retry),
];

impl StepKind {
    /// Returns the kind that a random number selects.
    pub(crate) fn weighted(roll: u32) -> Self {
        let total: u32 = STEP_WEIGHTS.iter().map(|(weight, _)| weight).sum();
        let mut left = roll % total;
        for (weight, kind) in STEP_WEIGHTS {
            if left < weight {
                return kind;
            }
            left -= weight;
        }
        Self::Update
    }
}

/// The first steps of every organization. One organization in four runs the migration step.
const SETUP: [StepKind; 7] = [
    StepKind::UpdateCatalog,
    StepKind::Full,
    StepKind::Create,
    StepKind::Create,
    StepKind::Create,
    StepKind::Import,
    StepKind::RunMigration,
];

/// Returns the strategy: two organizations with their setup, and at least fifty more steps.
pub(crate) fn sequences() -> impl Strategy<Value = Sequence> {
    let legacy = prop::collection::vec(prop::bool::weighted(0.6), 2);
    let kind = prop_oneof![
        95 => any::<u32>().prop_map(StepKind::weighted),
        3 => Just(StepKind::RunMigration),
        2 => Just(StepKind::Burst),
    ];
    let step = (0..2_usize, kind, any::<u64>());
    let step = step.prop_map(|(organization, kind, seed)| SequenceStep { organization, kind, seed }).no_shrink();
    let setup = 2 * SETUP.len();
    // Shrinking removes steps and never simplifies them, so that the relevant steps remain.
    let steps = prop::collection::vec((prop::bool::weighted(1.0), step), setup + 50..setup + 65);
    (legacy, steps).prop_map(|(legacy, steps)| {
        let setup_or_step = |(index, (played, step)): (usize, (bool, SequenceStep))| {
            let setup_kind =
                SETUP.get(index / 2).filter(|kind| **kind != StepKind::RunMigration || step.seed.is_multiple_of(4));
            let setup_step = setup_kind.map(|kind| SequenceStep { organization: index % 2, kind: *kind, ..step });
            played.then_some(setup_step.unwrap_or(step))
        };
        Sequence { legacy, steps: steps.into_iter().enumerate().filter_map(setup_or_step).collect() }
    })
}

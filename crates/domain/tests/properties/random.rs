//! Random changes of a small organization, so that they often affect the same resources: four groups, five ids of
//! assignments, nine members with as many addresses.

use proptest::prelude::*;
use rollcall_domain::{
    Phase, Plan, Refusal, Settings, UpdateMode,
    assignments::AssignmentEdit,
    directory::{MassChangeLimit, RawRows, SyncCounts, SyncMode},
    email_export::EmailExport,
    members::MemberEdit,
    migration::LegacyRow,
    plan::Counts,
};

use super::support::{
    AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, Org, PersonBuilder, Rows, groups, seats,
};

const GROUPS: [&str; 4] = ["g0", "g1", "g2", "g3"];
const ASSIGNMENTS: [&str; 6] = ["a0", "a1", "a2", "a3", "a4", "default"];
/// The last two members do not exist initially.
const MEMBERS: [&str; 9] = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"];

/// A requested change. Some changes are refused.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Create {
        id: &'static str,
        new: AssignmentEdit,
        position: Option<u32>,
    },
    Update {
        id: &'static str,
        edit: AssignmentEdit,
    },
    Move {
        id: &'static str,
        position: u32,
    },
    /// Ids that are not listed are left out.
    Reorder {
        order: Vec<&'static str>,
    },
    Delete {
        id: &'static str,
        resolve_members: bool,
    },
    EditMember {
        id: &'static str,
        edit: MemberEdit,
    },
    MoveMembers {
        ids: Vec<&'static str>,
        target: &'static str,
    },
    Release {
        ids: Vec<&'static str>,
    },
    Sync {
        mode: SyncMode,
        rows: RawRows,
        limit: Option<MassChangeLimit>,
    },
}

/// The result of a change.
pub(crate) struct Done {
    pub(crate) counts: Counts,
    pub(crate) sync: Option<SyncCounts>,
    pub(crate) empty: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ChangeSequence {
    pub(crate) legacy: Vec<LegacyRow>,
    pub(crate) before: Vec<Change>,
    pub(crate) after: Vec<Change>,
}

impl Change {
    pub(crate) fn make(&self, org: &mut Org) -> Result<Done, Refusal> {
        let done = |plan: Plan| Done { counts: plan.counts(), sync: None, empty: false };
        let migrated = org.phase == Phase::Migrated;
        let choice =
            |edit: &AssignmentEdit| AssignmentEdit { choose: edit.choose.filter(|_| migrated), ..edit.clone() };
        match self {
            Self::Create { id, new, position } => {
                let assignment = AssignmentBuilder::new(id, MANUAL, &["g0"]).build();
                org.create(choice(new).applied_to(&assignment), *position).map(done)
            }
            Self::Update { id, edit } => org.update(id, &choice(edit)).map(done),
            Self::Move { id, position } => org.move_to(id, *position).map(done),
            Self::Reorder { order } => {
                let listed = |id: &&&str| org.listed.iter().any(|a| a.id.as_str() == **id);
                let order: Vec<&str> = order.iter().filter(listed).copied().collect();
                org.reorder(&order).map(done)
            }
            Self::Delete { id, resolve_members } => org.delete(id, *resolve_members).map(done),
            Self::EditMember { id, edit } => {
                let choose = edit.choose.filter(|_| migrated);
                org.edit_member(id, MemberEdit { choose, ..edit.clone() }).map(done)
            }
            Self::MoveMembers { ids, target } => org.move_members(ids, target).map(done),
            Self::Release { ids } => Ok(done(org.release(ids))),
            Self::Sync { mode, rows, limit } => org.sync_within(*mode, rows.clone(), *limit).map(|sync| Done {
                counts: sync.counts(),
                sync: Some(sync.directory.counts),
                empty: sync.is_empty(),
            }),
        }
    }
}

/// Three assignments with one to three members each. The middle one is manual.
pub(crate) fn org(phase: Phase) -> Org {
    let choose = |assignment: AssignmentBuilder, value| match phase {
        Phase::Legacy => assignment,
        Phase::Migrated => assignment.chosen(value),
    };
    let listed = vec![
        choose(AssignmentBuilder::new("a0", AUTOMATIC, &["g0"]).seats(&["gong"]), EXPORT),
        choose(AssignmentBuilder::new("a1", MANUAL, &["g1", "g2"]), DO_NOT_EXPORT),
        choose(AssignmentBuilder::new("a2", AUTOMATIC, &["g2", "g3"]), DO_NOT_EXPORT),
    ];
    let people: [(&str, &[&str]); 7] = [
        ("m0", &["g0"]),
        ("m1", &["g0"]),
        ("m2", &["g0", "g2"]),
        ("m3", &["g1"]),
        ("m4", &["g3"]),
        ("m5", &["g3"]),
        ("m6", &[]),
    ];
    let org = Org::new(phase, listed);
    people.into_iter().fold(org, |org, (id, own)| org.with(PersonBuilder::new(id, own)))
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn some_of(all: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(all, 0..=most)
}

fn value() -> impl Strategy<Value = EmailExport> {
    one_of(&[EXPORT, DO_NOT_EXPORT])
}

fn mode() -> impl Strategy<Value = UpdateMode> {
    one_of(&[AUTOMATIC, AUTOMATIC, MANUAL])
}

fn settings() -> impl Strategy<Value = Settings> {
    some_of(&["gong", "forecast"], 2).prop_map(|ids| seats(&ids))
}

fn edit() -> impl Strategy<Value = AssignmentEdit> {
    let maybe = prop::option::weighted::<BoxedStrategy<EmailExport>>;
    (
        prop::option::weighted(0.2, some_of(&GROUPS, 3)),
        prop::option::weighted(0.4, mode()),
        prop::option::weighted(0.3, settings()),
        maybe(0.3, value().boxed()),
    )
        .prop_map(|(own, update_mode, settings, choose)| AssignmentEdit {
            display_name: None,
            groups: own.map(|own| groups(&own)),
            update_mode,
            settings,
            choose,
            removes_choice: false,
        })
}

fn new() -> impl Strategy<Value = AssignmentEdit> {
    (prop::sample::subsequence(&GROUPS[..], 1..=2), mode(), settings(), value()).prop_map(
        |(own, mode, settings, value)| AssignmentEdit {
            display_name: None,
            groups: Some(groups(&own)),
            update_mode: Some(mode),
            settings: Some(settings),
            choose: Some(value),
            removes_choice: false,
        },
    )
}

/// Rows of members: some have another member's address, some are inactive, some are rejected.
fn person(rows: Rows, (id, address, kind): (&str, usize, u8)) -> Rows {
    let own = format!("{id}@acme.example");
    let others = format!("m{address}@acme.example");
    match kind {
        0..12 => rows.person_with(id, &own, Some(true)),
        12..16 => rows.person_with(id, &others, Some(true)),
        16..18 => rows.person_with(id, &others, Some(false)),
        18 => rows.person_with(id, "no address", Some(true)),
        _ => rows.person_with(id, &own, None),
    }
}

fn rows() -> impl Strategy<Value = RawRows> {
    let memberships = || prop::collection::vec((one_of(&MEMBERS), one_of(&GROUPS)), 0..8);
    (
        prop::collection::vec((one_of(&MEMBERS), 0..MEMBERS.len(), 0..20_u8), 0..8),
        prop::collection::vec((one_of(&GROUPS), 0..10_u8), 0..6),
        memberships(),
        memberships(),
    )
        .prop_map(|(people, named, joins, leaves)| {
            let rows = people.into_iter().fold(Rows::new(), person);
            let rows = named.into_iter().fold(rows, |rows, (id, kind)| match kind {
                0..8 => rows.group(id),
                8 => rows.group_named(id, "Renamed"),
                _ => rows.group_named(id, "a\nb"),
            });
            let rows = joins.into_iter().fold(rows, |rows, (member, group)| rows.joins(member, group));
            leaves.into_iter().fold(rows, |rows, (member, group)| rows.leaves(member, group)).0
        })
}

fn sync() -> impl Strategy<Value = Change> {
    let limit = Just(MassChangeLimit { members: 2, percent: 10 });
    let mode = prop_oneof![3 => Just(SyncMode::Delta), 1 => Just(SyncMode::Full)];
    (mode, rows(), prop::option::weighted(0.2, limit)).prop_map(|(mode, mut rows, limit)| {
        if mode == SyncMode::Full {
            rows.removed.clear();
        }
        Change::Sync { mode, rows, limit }
    })
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let position = || 1..6_u32;
    let member_edit = (prop::option::of(settings()), prop::option::of(value()))
        .prop_map(|(settings, choose)| MemberEdit { settings, choose });
    prop_oneof![
        2 => (one_of(&ASSIGNMENTS), new(), prop::option::of(position()))
            .prop_map(|(id, new, position)| Change::Create { id, new, position }),
        8 => (one_of(&ASSIGNMENTS), edit()).prop_map(|(id, edit)| Change::Update { id, edit }),
        3 => (one_of(&ASSIGNMENTS), position())
            .prop_map(|(id, position)| Change::Move { id, position }),
        3 => Just(ASSIGNMENTS[..5].to_vec()).prop_shuffle().prop_map(|order| Change::Reorder { order }),
        2 => (one_of(&ASSIGNMENTS), any::<bool>())
            .prop_map(|(id, resolve_members)| Change::Delete { id, resolve_members }),
        4 => (one_of(&MEMBERS), member_edit)
            .prop_map(|(id, edit)| Change::EditMember { id, edit }),
        3 => (some_of(&MEMBERS, 3), one_of(&ASSIGNMENTS))
            .prop_map(|(ids, target)| Change::MoveMembers { ids, target }),
        2 => some_of(&MEMBERS, 4).prop_map(|ids| Change::Release { ids }),
        6 => sync(),
    ]
}

pub(crate) fn change_sequence() -> impl Strategy<Value = ChangeSequence> {
    // Most addresses have a row, so that assignments with several members become mixed.
    let legacy = prop::collection::vec(prop::option::weighted(0.9, any::<bool>()), MEMBERS.len());
    let rows = |said: Vec<Option<bool>>| -> Vec<LegacyRow> {
        let rows = said.into_iter().enumerate();
        rows.map(|(index, export)| LegacyRow { email: format!("M{index}@acme.example"), export }).collect()
    };
    (legacy.prop_map(rows), prop::collection::vec(change(), 0..6), prop::collection::vec(change(), 0..25))
        .prop_map(|(legacy, before, after)| ChangeSequence { legacy, before, after })
}

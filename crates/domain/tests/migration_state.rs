//! The state of an organization's migration: when the organization is still to be migrated, when a retry is possible,
//! and when it is too late to roll back (product.md 7.6).

mod support;

use rollcall_domain::{
    MemberId, Organization, Phase, Refusal,
    email_export::Setting,
    migration::{
        LegacyMember, MigrationRecord, MigrationScope, MigrationState, Proof, RetryPlan, RollbackContext,
        RollbackObstacle, RollbackPlan, plan_retry, plan_rollback,
    },
};
use strum::VariantArray as _;
use support::{ALWAYS, NOT, Org, assignment, at, member, organization, since};
use uuid::Uuid;

use MigrationState::{Failed, Migrated, Pending, RolledBack};

#[test]
fn an_organization_in_phase_legacy_is_still_to_migrate_while_it_is_pending() {
    // Phase, recorded state, shown state, and whether the organization is still to be migrated.
    let cases = [
        (Phase::Legacy, None, Some(Pending), true),
        (Phase::Legacy, Some(Pending), Some(Pending), true),
        (Phase::Legacy, Some(Migrated), Some(Migrated), false),
        (Phase::Legacy, Some(Failed), Some(Failed), false),
        (Phase::Legacy, Some(RolledBack), Some(RolledBack), false),
        (Phase::Migrated, None, None, false),
        (Phase::Migrated, Some(Pending), Some(Pending), false),
        (Phase::Migrated, Some(Migrated), Some(Migrated), false),
        (Phase::Migrated, Some(Failed), Some(Failed), false),
        (Phase::Migrated, Some(RolledBack), Some(RolledBack), false),
    ];
    for (phase, recorded, shown, still_to_migrate) in cases {
        assert_eq!(MigrationState::of(phase, recorded), shown, "{phase:?} {recorded:?}");
        let found = MigrationState::is_still_to_migrate(phase, recorded);
        assert_eq!(found, still_to_migrate, "{phase:?} {recorded:?}");
    }
}

#[test]
fn each_state_has_its_word() {
    let words = MigrationState::VARIANTS.iter().map(|state| state.as_str());
    assert!(words.eq(["PENDING", "MIGRATED", "FAILED", "ROLLED_BACK"]));
    for state in MigrationState::VARIANTS {
        assert_eq!(state.as_str().parse(), Ok(*state));
    }
    assert!("pending".parse::<MigrationState>().is_err());
}

#[test]
fn a_retry_makes_an_organization_pending_unless_it_is_pending_or_migrated() {
    let pending = |state_before| Ok(Some(RetryPlan { state_before, record: MigrationRecord::new(Pending, at(7)) }));
    let cases = [
        (None, Ok(None)),
        (Some(Pending), Ok(None)),
        (Some(Failed), pending(Failed)),
        (Some(RolledBack), pending(RolledBack)),
        (Some(Migrated), pending(Migrated)),
    ];
    for (recorded, expected) in cases {
        let recorded = recorded.map(|state| MigrationRecord::new(state, at(1)));
        assert_eq!(plan_retry(&organization(), Phase::Legacy, recorded.as_ref(), at(7)), expected, "{recorded:?}");
        let migrated = plan_retry(&organization(), Phase::Migrated, recorded.as_ref(), at(7));
        let refusal = if recorded.is_some() { Refusal::NothingToRetry } else { Refusal::NothingToMigrate };
        assert_eq!(migrated, Err(refusal(organization())), "{recorded:?}");
    }
    let faulty = MigrationRecord::faulty(Some(Uuid::from_u128(1)), at(1));
    assert_eq!(plan_retry(&organization(), Phase::Legacy, Some(&faulty), at(7)), pending(Pending));
}

fn legacy_members(b: Option<bool>) -> [LegacyMember; 2] {
    let legacy = |id: &str, legacy: Option<bool>| LegacyMember {
        id: member(id),
        active: true,
        assignment: assignment("default"),
        legacy,
    };
    [legacy("a", Some(true)), legacy("b", b)]
}

fn plan(
    phase: Phase,
    record: Option<&MigrationRecord>,
    before: &[(MemberId, Setting)],
) -> Result<RollbackPlan, Refusal> {
    let (organization, before, members) = (organization(), before.to_vec(), legacy_members(None));
    plan_rollback(RollbackContext { organization: &organization, phase, record, before, members: &members })
}

#[test]
fn it_is_too_late_to_roll_back_once_a_value_was_chosen_or_a_member_would_change() {
    let too_late = |obstacle| Refusal::MigrationRollbackTooLate { organization: organization(), obstacle };
    let not_migrated = |state| Some(Refusal::NothingToRollBack { organization: organization(), state });
    let untouched = MigrationRecord::new(Migrated, at(1));
    let chosen = MigrationRecord { first_chosen: Some(assignment("sales")), ..untouched.clone() };
    let rolled_back = MigrationRecord::new(RolledBack, at(1));
    let same = vec![(member("a"), ALWAYS), (member("b"), NOT)];
    let with_b = |b: Setting| vec![(member("a"), ALWAYS), (member("b"), b)];
    type Case<'a> = (&'a str, Phase, Option<&'a MigrationRecord>, Vec<(MemberId, Setting)>, Option<Refusal>);
    let cases: [Case<'_>; 9] = [
        ("nothing changed", Phase::Migrated, Some(&untouched), same.clone(), None),
        ("never migrated", Phase::Legacy, None, same.clone(), not_migrated(Pending)),
        ("rolled back before", Phase::Legacy, Some(&rolled_back), same.clone(), not_migrated(RolledBack)),
        ("created migrated", Phase::Migrated, None, same.clone(), Some(too_late(RollbackObstacle::CreatedMigrated))),
        (
            "a value was chosen, also when nothing changed",
            Phase::Migrated,
            Some(&chosen),
            same.clone(),
            Some(too_late(RollbackObstacle::Chosen(assignment("sales")))),
        ),
        (
            "a setting flipped",
            Phase::Migrated,
            Some(&untouched),
            with_b(ALWAYS),
            Some(too_late(RollbackObstacle::Members(1))),
        ),
        (
            "a period started",
            Phase::Migrated,
            Some(&untouched),
            with_b(since(1)),
            Some(too_late(RollbackObstacle::Members(1))),
        ),
        (
            "a member was removed",
            Phase::Migrated,
            Some(&untouched),
            same[..1].to_vec(),
            Some(too_late(RollbackObstacle::Members(1))),
        ),
        (
            "no member has a setting",
            Phase::Migrated,
            Some(&untouched),
            vec![],
            Some(too_late(RollbackObstacle::Members(2))),
        ),
    ];
    for (name, phase, record, before, refusal) in cases {
        assert_eq!(plan(phase, record, &before).err(), refusal, "{name}");
    }
}

#[test]
fn a_rollback_is_refused_when_the_written_rows_differ() {
    let before = [(member("a"), ALWAYS), (member("b"), NOT)];
    let plan = plan(Phase::Migrated, Some(&MigrationRecord::new(Migrated, at(1))), &before).unwrap();
    let proof = Some(Proof::compare(&before, &before));
    let record = MigrationRecord { proof, ..MigrationRecord::new(RolledBack, at(2)) };
    assert_eq!(plan.conclude(&legacy_members(Some(false)), at(2)), Ok(record.clone()));
    let obstacle = RollbackObstacle::Members(1);
    let refusal = Refusal::MigrationRollbackTooLate { organization: organization(), obstacle };
    assert_eq!(plan.conclude(&legacy_members(Some(true)), at(2)), Err(refusal));
    assert_eq!(plan.preview(at(2)), record);
}

#[test]
fn a_run_migrates_the_organizations_of_its_waves_that_existed_when_it_was_requested() {
    let scope = MigrationScope { run: Uuid::from_u128(1), wave: 2, requested_at: at(5) };
    let legacy = Org::new(Phase::Legacy, Vec::new()).organization();
    // Wave, time of creation, recorded state, and whether the run still has to migrate the organization.
    let cases = [
        (0, at(0), None, true),
        (2, at(5), Some(Pending), true),
        (3, at(0), None, false),
        (0, at(6), None, false),
        (0, at(0), Some(Failed), false),
    ];
    for (wave, created_at, recorded, expected) in cases {
        let organization = Organization { wave, created_at, ..legacy.clone() };
        let record = recorded.map(|state| MigrationRecord::new(state, at(7)));
        let found = scope.is_still_to_migrate(&organization, record.as_ref());
        assert_eq!(found, expected, "{wave} {created_at} {recorded:?}");
    }
    for (set_aside_by, expected) in [(None, true), (Some(Uuid::from_u128(2)), true), (Some(scope.run), false)] {
        let record = MigrationRecord::faulty(set_aside_by, at(7));
        assert_eq!(scope.is_still_to_migrate(&legacy, Some(&record)), expected, "{set_aside_by:?}");
    }
    let migrated = Organization { phase: Phase::Migrated, ..legacy };
    assert!(!scope.is_still_to_migrate(&migrated, None));
}

//! What a run of the migration does after faults of the server.

use rollcall_domain::{
    OrganizationId,
    migration::{FaultReaction, FaultTally},
};

use FaultReaction::{GiveUp, SetAside};

/// Adds faults, each of an organization after this many finished organizations, and returns the reactions.
fn reactions(faults: &[(&str, i64)]) -> Vec<FaultReaction> {
    let mut tally = FaultTally::default();
    faults
        .iter()
        .map(|(organization, finished)| tally.add(&OrganizationId::trusted(*organization), *finished))
        .collect()
}

fn proceed(in_a_row: u32) -> FaultReaction {
    FaultReaction::Continue { in_a_row }
}

#[test]
fn the_run_gives_up_when_no_organization_can_be_migrated() {
    let different = [("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0)];
    assert_eq!(reactions(&different), [proceed(1), proceed(2), proceed(3), proceed(4), GiveUp]);
    // Earlier successes do not show that the server works now.
    assert_eq!(reactions(&[("a", 9); 5]), [proceed(1), proceed(2), proceed(3), proceed(4), GiveUp]);
}

#[test]
fn an_organization_is_set_aside_when_others_are_migrated_between_its_faults() {
    assert_eq!(reactions(&[("a", 0), ("a", 5), ("a", 9)]), [proceed(1), proceed(1), SetAside]);
    assert_eq!(reactions(&[("a", 0), ("a", 0), ("b", 1), ("a", 1)]), [proceed(1), proceed(2), proceed(1), SetAside]);
    // A retried organization begins anew.
    let again = [("a", 0), ("a", 1), ("a", 2), ("a", 3)];
    assert_eq!(reactions(&again), [proceed(1), proceed(1), SetAside, proceed(1)]);
}

#[test]
fn faults_of_different_organizations_do_not_end_the_run_while_others_are_migrated() {
    let faults = [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4), ("f", 5)];
    assert_eq!(reactions(&faults), [proceed(1); 6]);
}

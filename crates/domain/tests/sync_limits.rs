//! The mass change limit of a sync: a larger change is refused unless the request allows it (product.md 6).

mod support;

use rollcall_domain::{
    MemberId, Phase, Refusal,
    directory::{MassChangeLimit, SyncMode},
};
use support::{AUTOMATIC, AssignmentBuilder, EXPORT, Org, PersonBuilder, Rows};

/// The assignment `sales` (automatic, s), and three members of the default.
fn org() -> Org {
    let sales = AssignmentBuilder::new("sales", AUTOMATIC, &["s"]).chosen(EXPORT);
    let people = ["m1", "m2", "m3"].map(|id| PersonBuilder::new(id, &[]));
    people.into_iter().fold(Org::new(Phase::Migrated, vec![sales]), Org::with)
}

#[test]
fn a_mass_change_exceeds_both_the_number_and_the_percentage() {
    let cases: [(u32, u32, bool); 9] = [
        (50, 100, false),
        (51, 102, true),
        (51, 60, true),
        (51, 509, true),
        (51, 510, false),
        (101, 1000, true),
        (100, 1000, false),
        (0, 0, false),
        (u32::MAX, u32::MAX, true),
    ];
    for (touched, active, exceeded) in cases {
        let found = MassChangeLimit::default().find_exceeded(touched, active);
        assert_eq!(found, exceeded.then(|| "50 members and 10 percent".to_owned()), "{touched} of {active}");
    }
}

#[test]
fn more_than_half_of_five_or_more_active_members_is_too_many_whatever_the_limit() {
    let cases: [(u32, u32, bool); 8] = [
        (4, 4, false),
        (2, 5, false),
        (3, 5, true),
        (5, 5, true),
        (3, 6, false),
        (4, 6, true),
        (15, 30, false),
        (16, 30, true),
    ];
    let limits = [MassChangeLimit::default(), MassChangeLimit { members: u32::MAX, percent: 100 }];
    for (limit, (touched, active, exceeded)) in limits.iter().flat_map(|limit| cases.map(|case| (limit, case))) {
        let found = limit.find_exceeded(touched, active);
        assert_eq!(found, exceeded.then(|| "half of the active members".to_owned()), "{touched} of {active}");
    }
}

#[test]
fn a_sync_that_changes_too_many_members_is_refused_unless_allowed() {
    let crowd: Vec<String> = (0..120).map(|i| format!("p{i:03}")).collect();
    let people = crowd.iter().map(|id| PersonBuilder::new(id, &["s"]));
    let org = people.fold(org(), Org::with);
    let limit = MassChangeLimit::default();
    // The first 26 leave the group, and the last 25 become inactive: 51 of 123.
    let rows = |leave: usize| {
        let rows = crowd[..leave].iter().fold(Rows::new(), |rows, id| rows.leaves(id, "s"));
        crowd[35..60].iter().fold(rows, |rows, id| rows.inactive_person(id)).0
    };
    let refused =
        Err(Refusal::MassChangeBlocked { deactivated: 25, rehomed: 26, limit: "50 members and 10 percent".to_owned() });
    let mut blocked = org.clone();
    assert_eq!(blocked.sync_within(SyncMode::Delta, rows(26), Some(limit)), refused);
    assert_eq!(blocked.people, org.people);

    let mut allowed = org.clone();
    let sync = allowed.sync_within(SyncMode::Delta, rows(26), None).unwrap();
    assert_eq!((sync.directory.counts.members_deactivated, sync.directory.counts.members_rehomed), (25, 26));
    let mut fewer = org.clone();
    assert!(fewer.sync_within(SyncMode::Delta, rows(25), Some(limit)).is_ok(), "50 are not too many");
}

#[test]
fn a_deactivated_and_re_homed_member_counts_once_and_a_new_one_does_not() {
    let mut org = org().with(PersonBuilder::new("m4", &["s"]));
    let limit = MassChangeLimit { members: 1, percent: 0 };
    let rows = Rows::new().inactive_person("m4").leaves("m4", "s").person("n1").person("n2");
    assert!(org.sync_within(SyncMode::Delta, rows.0, Some(limit)).is_ok());
    assert_eq!(org.home("m4"), "default");
    let known: Vec<&MemberId> = org.people.keys().collect();
    assert_eq!(known.len(), 6);
}

#[test]
fn a_bounded_count_of_active_members_decides_like_a_full_one() {
    for (members, percent) in [(0, 0), (0, 1), (0, 100), (2, 10), (50, 10), (3, 33)] {
        let limit = MassChangeLimit { members, percent };
        for most in 0..70 {
            let to_count = limit.active_members_to_count(most);
            for (touched, active) in (0..=most).flat_map(|touched| (0..800).map(move |active| (touched, active))) {
                let counted = limit.find_exceeded(touched, active.min(to_count));
                assert_eq!(counted, limit.find_exceeded(touched, active), "{limit:?} {touched} of {active}");
            }
        }
    }
    assert_eq!(MassChangeLimit::default().active_members_to_count(0), 0, "nothing is counted without known members");
    assert_eq!(MassChangeLimit::default().active_members_to_count(1), 5);
}

//! Seats with a limited total (product.md 6): held seats, pending seats, and the next free seat.

#![allow(clippy::unwrap_used)]

mod crowd;
mod laws;
mod organization;

use organization::{ChangeResponse, SeatChange, SeatOrganization, seat_type};
use rollcall_proto::v1::SeatType;
use rollcall_testkit::{TestServer, refused};

/// Changes, each with the expected state of `gong`: the total, the holders, and the pending seats.
type SeatScenario = (&'static str, Option<i32>, &'static [(SeatChange, &'static str)]);

use SeatChange::{Active, Come, Delete, Edit, First, Give, Move, Release, Total};

const SCENARIOS: &[SeatScenario] = &[
    (
        "they fill up in byte order, and who becomes inactive frees one for the oldest",
        Some(2),
        &[
            (Come(&["c", "b", "d"], "sales"), "2: b c | d"),
            (Come(&["a"], "support"), "2: b c | d a"),
            (Active(&["b"], false), "2: c d | a"),
            (Active(&["b"], true), "2: c d | a b"),
            (Active(&["a"], false), "2: c d | b"),
            (Active(&["c", "d"], false), "2: b |"),
            (Active(&["a", "c", "d"], true), "2: a b | c d"),
        ],
    ),
    (
        "who is inactive from the start claims none, and is behind who waits afterwards",
        Some(1),
        &[
            (Active(&["a"], false), "1: |"),
            (Come(&["b", "c"], "sales"), "1: b | c"),
            (Come(&["a"], "sales"), "1: b | c a"),
            (Active(&["b"], false), "1: c | a"),
        ],
    ),
    (
        "who moves between assignments that give it keeps the seat, or the place",
        Some(1),
        &[
            (Come(&["a", "b", "c"], "sales"), "1: a | b c"),
            (Move(&["a", "b"], "support"), "1: a | b c"),
            (Move(&["a", "b"], "care"), "1: a | b c"),
            (Move(&["a"], "default"), "1: b | c"),
            (Release(&["a"]), "1: b | c a"),
            (Release(&["b"]), "1: b | c a"),
            (Move(&["b", "c"], "default"), "1: a |"),
        ],
    ),
    (
        "an assignment that no longer gives it frees all, and one that gives it again asks anew",
        Some(2),
        &[
            (Come(&["d", "c"], "support"), "2: c d |"),
            (Come(&["b", "a"], "sales"), "2: c d | a b"),
            (Give("support", &[]), "2: a b |"),
            (Give("support", &["gong"]), "2: a b | c d"),
            (Give("sales", &[]), "2: c d |"),
        ],
    ),
    (
        "a deleted assignment frees the seats of members who go where it is not given",
        Some(2),
        &[
            (Come(&["a", "b"], "sales"), "2: a b |"),
            (Come(&["c"], "support"), "2: a b | c"),
            (Come(&["b"], "support"), "2: a b | c"),
            (Delete("sales"), "2: b c |"),
        ],
    ),
    (
        "an order that changes no settings moves no seats",
        Some(1),
        &[
            (Come(&["a", "b"], "sales"), "1: a | b"),
            (Come(&["a", "b"], "support"), "1: a | b"),
            (First("support"), "1: a | b"),
            (Give("support", &[]), "1: |"),
            (First("sales"), "1: a | b"),
        ],
    ),
    (
        "manual members keep theirs, and are edited by hand",
        Some(1),
        &[
            (Come(&["a", "b", "c"], "care"), "1: a | b c"),
            (Give("care", &[]), "1: a | b c"),
            (Edit("b", &[]), "1: a | c"),
            (Edit("b", &["gong"]), "1: a | c b"),
            (Edit("a", &[]), "1: c | b"),
            (Active(&["c"], false), "1: b |"),
            (Active(&["c"], true), "1: b | c"),
        ],
    ),
    (
        "a higher total grants, a lower one takes none away",
        Some(1),
        &[
            (Come(&["c", "b", "a"], "sales"), "1: a | b c"),
            (Total(Some(2)), "2: a b | c"),
            (Total(Some(1)), "1: a b | c"),
            (Total(Some(2)), "2: a b | c"),
            (Total(Some(0)), "0: a b | c"),
            (Active(&["a"], false), "0: b | c"),
            (Come(&["d"], "sales"), "0: b | c d"),
            (Active(&["b"], false), "0: | c d"),
            (Total(Some(1)), "1: c | d"),
            (Total(None), "*: c d |"),
            (Active(&["a", "b"], true), "*: a b c d |"),
            (Total(Some(3)), "3: a b c d |"),
            (Come(&["e"], "sales"), "3: a b c d | e"),
            (Active(&["a"], false), "3: b c d | e"),
            (Active(&["b"], false), "3: c d e |"),
        ],
    ),
    (
        "without a total every claim is held",
        None,
        &[(Come(&["a", "b"], "sales"), "*: a b |"), (Active(&["a"], false), "*: b |"), (Give("sales", &[]), "*: |")],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_pending_seat_gets_the_next_free_seat() {
    let server = TestServer::start().await;
    for (number, (name, total, steps)) in SCENARIOS.iter().enumerate() {
        let id = format!("scenario-{number}");
        let organization = SeatOrganization::open(&server, &id, *total).await;
        for (act, expected) in *steps {
            organization.make(act).await;
            assert_eq!(organization.snapshot().await.line(), *expected, "{name}: {act:?}");
        }
    }
}

/// Returns warnings as `subject: message`, without the name of the organization.
fn warnings(answered: &ChangeResponse) -> Vec<String> {
    let words = |text: &str| text.replace("organizations/acme/", "");
    let shown =
        |warning: &rollcall_proto::v1::Warning| format!("{}: {}", words(&warning.resource), words(&warning.message));
    answered.warnings.iter().map(shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ineffective_setting_is_a_warning() {
    let server = TestServer::start().await;
    let organization = SeatOrganization::open(&server, "acme", Some(2)).await;
    let wait = |who: &str, total: u32| {
        format!("{who} for the seat `gong`: the total of {total} is used up; raise the total or free some")
    };
    let one =
        |assignment: &str| wait(&format!("assignments/{assignment}: 1 member of assignments/{assignment} waits"), 2);
    let some = |assignment: &str, members: u32| {
        wait(&format!("assignments/{assignment}: {members} members of assignments/{assignment} wait"), 2)
    };
    let member = |id: &str| wait(&format!("members/{id}: the member {id} waits"), 2);
    let steps: [(SeatChange, &[String]); 13] = [
        (Come(&["a", "b"], "sales"), &[]),
        (Come(&["c"], "sales"), &[one("sales")]),
        (Come(&["d", "e"], "care"), &[some("care", 2)]),
        (Come(&["f"], ""), &[]),
        (Edit("d", &["gong"]), &[member("d")]),
        (Edit("d", &[]), &[]),
        (Edit("d", &["gong", "engage"]), &[member("d")]),
        (Move(&["f", "c"], "support"), &[some("support", 2)]),
        (Give("care", &["gong"]), &[some("care", 2)]),
        (Give("sales", &["gong", "engage"]), &[]),
        (Delete("support"), &[]),
        (Active(&["e"], false), &[]),
        (Active(&["e"], true), &[some("care", 2)]),
    ];
    for (act, expected) in steps {
        assert_eq!(warnings(&organization.make(&act).await), expected, "{act:?}");
    }
    let lowered = organization.make(&Total(Some(1))).await;
    let expected = ["care: 2 members of assignments/care wait", "sales: 1 member of assignments/sales waits"];
    assert_eq!(warnings(&lowered), expected.map(|who| wait(&format!("assignments/{who}"), 1)));
    assert!(organization.make(&Total(Some(9))).await.warnings.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_type_in_use_cannot_be_removed_and_a_new_requirement_is_a_warning() {
    let server = TestServer::start().await;
    let organization = SeatOrganization::open(&server, "acme", Some(0)).await;
    organization.make(&Come(&["a"], "care")).await;
    for assignment in ["sales", "support", "care"] {
        organization.make(&Give(assignment, &[])).await;
    }
    // No member holds the seat and no assignment gives it, but one seat is pending.
    assert_eq!(organization.snapshot().await.line(), "0: | a");
    let call = refused(organization.set_seat_types(Vec::new(), false)).await;
    assert_eq!(call, "FailedPrecondition CATALOG_ENTRY_IN_USE assignments=0 entry=seat type gong members=1");

    organization.make(&Give("sales", &["gong"])).await;
    let seat_types = || vec![SeatType { total: Some(7), ..seat_type("gong", &["engage"]) }, seat_type("engage", &[])];
    let message =
        "organizations/acme/assignments/sales gives the seat `gong` without `engage`, which it requires; give both";
    for validate_only in [true, false] {
        let answer = organization.set_seat_types(seat_types(), validate_only).await.unwrap().into_inner();
        let found: Vec<&str> = answer.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(found, [message]);
    }
    assert_eq!(organization.snapshot().await.line(), "7: a |");
    let expected = "SEAT_PREREQUISITE_MISSING assignment.settings.seats requires=engage seat_type=gong";
    for (seats, expected) in [(&["gong"][..], None), (&[], None), (&["gong"], Some(expected))] {
        match (organization.give("sales", seats, false).await, expected) {
            (Ok(_), None) => {}
            (Err(status), Some(expected)) => {
                assert_eq!(refused::<()>(async { Err(status) }).await, format!("InvalidArgument {expected}"));
            }
            (answer, _) => panic!("{seats:?}: {answer:?}"),
        }
    }
}

/// A clock that was set back lets all writes have one time until it has caught up.
#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_pending_seat_is_that_of_the_first_write_if_all_writes_have_one_time() {
    let server = TestServer::start().await;
    let organization = SeatOrganization::open(&server, "acme", Some(1)).await;
    let sql = "UPDATE organizations SET last_write_at = '2100-01-01T00:00:00Z'";
    server.database.client().await.batch_execute(sql).await.unwrap();
    for member in [&["a"], &["z"], &["m"], &["b"]] {
        organization.ask(&Come(member, "sales"), false).await.unwrap();
    }
    assert_eq!(organization.snapshot().await.line(), "1: a | z m b");
    organization.ask(&Active(&["a"], false), false).await.unwrap();
    assert_eq!(organization.snapshot().await.line(), "1: z | m b");
}

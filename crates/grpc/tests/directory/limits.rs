//! The mass change limit: how many members a sync may deactivate or re-home without permission (product.md 6).

use rollcall_proto::v1::{MassChangeLimit, Organization, Phase, SyncDirectoryRequest};
use rollcall_testkit::{Member, Org, TestServer, reason};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{AUTOMATIC, EXPORT, change, delta, everybody, members, memberships, sync, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_change_must_be_allowed() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let crowd: Vec<Member> = (100..210).map(|n| Member::new(format!("m{n}").leak(), &["eng"])).collect();
    org.sync(&crowd).await;
    let before = members(&server, &org).await;
    let blocked = org.full_sync(&crowd[..59]);
    for validate_only in [true, false] {
        let request = SyncDirectoryRequest { validate_only, ..blocked.clone() };
        let status = sync(&server, tokio_stream::once(request)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "MASS_CHANGE_BLOCKED"));
        let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
        assert_eq!((metadata["deactivated"].as_str(), metadata["rehomed"].as_str()), ("51", "0"));
        assert_eq!(metadata["limit"], "50 members and 10 percent");
    }
    assert_eq!(members(&server, &org).await, before);
    let fifty = SyncDirectoryRequest { validate_only: true, ..org.full_sync(&crowd[..60]) };
    assert_eq!(take(&server, fifty).await.counts.unwrap().members_deactivated, 50);
    let allowed = take(&server, SyncDirectoryRequest { allow_mass_change: true, ..blocked }).await;
    assert_eq!(allowed.counts.unwrap().members_deactivated, 51);
}

/// Ten members in one group with an assignment.
const TEN: [Member; 10] = [
    Member::new("a", &["g"]),
    Member::new("b", &["g"]),
    Member::new("c", &["g"]),
    Member::new("d", &["g"]),
    Member::new("e", &["g"]),
    Member::new("f", &["g"]),
    Member::new("g", &["g"]),
    Member::new("h", &["g"]),
    Member::new("i", &["g"]),
    Member::new("j", &["g"]),
];

/// The indexes of members who become inactive and of members who leave the group, the limit as a number and a
/// percentage, and the counts of the refusal, if any.
type Case = (&'static [usize], &'static [&'static str], (i32, i32), Option<(&'static str, &'static str)>);

const CASES: [Case; 8] = [
    (&[0, 1, 2], &[], (2, 30), None),
    (&[0, 1, 2], &[], (3, 0), None),
    (&[0, 1, 2], &[], (2, 29), Some(("3", "0"))),
    (&[], &["a", "b", "c"], (2, 29), Some(("0", "3"))),
    (&[0, 1], &["c", "d"], (3, 39), Some(("2", "2"))),
    (&[0, 1, 2], &["a", "b", "c"], (3, 0), None),
    (&[0, 1, 2], &["a", "b", "c", "d"], (3, 0), Some(("3", "4"))),
    (&[0], &[], (0, 0), Some(("1", "0"))),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_a_number_and_a_percentage_and_counts_each_member_once() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&TEN).await;
    org.assign("all", &["g"], AUTOMATIC, EXPORT).await;
    let before = everybody(&server, &org).await;
    for (inactive, leave, (count, percent), blocked) in CASES {
        let limit = Some(MassChangeLimit { members: Some(count), percent: Some(percent) });
        change(&server, &org, Organization { mass_change_limit: limit, ..Default::default() }).await;
        let leave: Vec<(&str, &str)> = leave.iter().map(|member| ("g", *member)).collect();
        let request = SyncDirectoryRequest {
            members: inactive.iter().map(|place| org.row(&TEN[*place].clone().inactive())).collect(),
            removed_memberships: memberships(&leave),
            validate_only: true,
            ..delta(&org)
        };
        let answer = sync(&server, tokio_stream::once(request.clone())).await;
        let Some((deactivated, rehomed)) = blocked else {
            answer.unwrap();
            continue;
        };
        let status = answer.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "MASS_CHANGE_BLOCKED"));
        let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
        assert_eq!((metadata["deactivated"].as_str(), metadata["rehomed"].as_str()), (deactivated, rehomed));
        assert_eq!(metadata["limit"], format!("{count} members and {percent} percent"));
        let allowed = take(&server, SyncDirectoryRequest { allow_mass_change: true, ..request }).await.counts.unwrap();
        let counts = (allowed.members_deactivated.to_string(), allowed.members_rehomed.to_string());
        assert_eq!((counts.0.as_str(), counts.1.as_str()), (deactivated, rehomed));
    }
    assert_eq!(everybody(&server, &org).await, before);
}

/// An identity provider that has lost its data sends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_full_sync_of_an_organization_below_its_limit_is_refused() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&TEN).await;
    let before = everybody(&server, &org).await;
    let status = sync(&server, tokio_stream::once(org.full_sync(&[]))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "MASS_CHANGE_BLOCKED"));
    let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!((metadata["deactivated"].as_str(), metadata["limit"].as_str()), ("10", "half of the active members"));
    assert_eq!(everybody(&server, &org).await, before);
    let half = take(&server, org.full_sync(&TEN[..5])).await.counts.unwrap();
    assert_eq!(half.members_deactivated, 5);
    take(&server, SyncDirectoryRequest { allow_mass_change: true, ..org.full_sync(&[]) }).await;
}

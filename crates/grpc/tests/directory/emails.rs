//! Who gets an address: unique among active members, whatever order the rows come in (product.md 1, 6).

use rollcall_proto::v1::{DirectoryMember, SyncDirectoryRequest};
use rollcall_testkit::{Member, Org, TestServer};

use crate::{MEMBERS, acme, delta, members, rejected, take};

/// The row of a member with another address.
fn row(org: &Org<'_>, member: &Member, email: &str) -> DirectoryMember {
    DirectoryMember { email: format!("{email}@ACME.example"), ..org.row(member) }
}

/// Everybody's local part, in the order of their ids.
async fn emails(server: &TestServer, org: &Org<'_>) -> String {
    let locals =
        members(server, org).await.into_iter().map(|member| member.email.split('@').next().unwrap().to_owned());
    locals.collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_pass_from_member_to_member_in_one_sync() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let [a, b, c, d] = &MEMBERS;
    // Each from what the one before has left.
    let cases: [(&[(&Member, &str)], &str); 6] = [
        (&[(b, "a"), (a, "new")], "new a c d"),
        (&[(a, "a"), (b, "b")], "a b c d"),
        (&[(c, "d"), (d, "c")], "a b d c"),
        (&[(a, "b"), (b, "d"), (c, "a")], "b d a c"),
        (&[(d, "a"), (c, "b"), (a, "c")], "c d b a"),
        (&[(d, "d"), (c, "c"), (b, "b"), (a, "a")], "a b c d"),
    ];
    for (rows, expected) in cases {
        let count = i32::try_from(rows.len()).unwrap();
        let rows = rows.iter().map(|(member, email)| row(&org, member, email)).collect();
        let moved = take(&server, SyncDirectoryRequest { members: rows, ..delta(&org) }).await;
        assert_eq!((rejected(&moved), moved.counts.unwrap().members_updated), (vec![], count));
        assert_eq!(emails(&server, &org).await, expected);
        for (local, member) in expected.split(' ').zip(&MEMBERS) {
            let found = org.check(local, None).await;
            assert_eq!(found.assignment, org.get_member(member.id).await.assignment, "{local} is {}", member.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_an_active_member_is_not_given_away() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let [a, b, c, d] = &MEMBERS;
    let with = |rows| SyncDirectoryRequest { members: rows, ..delta(&org) };
    // Against the store, in any case of letters.
    let response = take(&server, with(vec![row(&org, a, "D")])).await;
    assert_eq!(rejected(&response), ["member a"]);
    assert_eq!(response.rejected[0].reason, "the address d@acme.example belongs to the active member d");
    // Within one sync the first row gets it.
    let newcomers = ["f", "e"].map(|id| row(&org, &Member::new(id, &[]), "same"));
    let response = take(&server, with(newcomers.to_vec())).await;
    assert_eq!(rejected(&response), ["member e"]);
    assert_eq!(response.rejected[0].reason, "the address same@acme.example belongs to the active member f");
    assert_eq!(emails(&server, &org).await, "a b c d same");
    // A circle that one row breaks stays as it is: nobody has got an address that was not given up.
    let mut broken = row(&org, c, "a");
    broken.status = 0;
    let response = take(&server, with(vec![row(&org, a, "b"), row(&org, b, "c"), broken])).await;
    assert_eq!(rejected(&response), ["member a", "member b", "member c"]);
    assert_eq!(emails(&server, &org).await, "a b c d same");
    // Who becomes inactive yields it, also in the same sync.
    let response = take(&server, with(vec![row(&org, a, "d"), org.row(&d.clone().inactive())])).await;
    assert_eq!((rejected(&response), emails(&server, &org).await), (vec![], "d b c d same".to_owned()));
    // And does not get it back while somebody else has it.
    let response = take(&server, with(vec![org.row(d)])).await;
    assert_eq!(response.rejected[0].reason, "the address d@acme.example belongs to the active member a");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_absent_from_a_full_sync_yields_the_address() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let mut request = org.full_sync(&MEMBERS[..3]);
    request.members[0] = row(&org, &MEMBERS[0], "d");
    let response = take(&server, request).await;
    assert_eq!((rejected(&response), emails(&server, &org).await), (vec![], "d b c d".to_owned()));
    assert_eq!(org.check("d", None).await.assignment, org.assignment("engineering"));
}

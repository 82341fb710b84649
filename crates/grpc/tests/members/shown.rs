//! Reading one member, and listing members while other callers write.

use rollcall_proto::v1::{
    DirectoryGroup, DirectoryMember, EmailExport, EmailExportSource, GetMemberRequest, ListMembersRequest,
    Member as MemberMessage, MemberStatus, Membership, Phase, SyncDirectoryRequest, SyncMode,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

use crate::{AUTOMATIC, DO_NOT_EXPORT, EXPORT, acme, all, ids, list, move_to};

#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_all_fields() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let member = org.get_member("builder").await;
    assert!(!member.etag.is_empty() && member.create_time.is_some() && member.email_export_since.is_some());
    let expected = MemberMessage {
        name: "organizations/acme/members/builder".to_owned(),
        email: "builder@acme.example".to_owned(),
        given_name: "Given".to_owned(),
        family_name: "builder".to_owned(),
        job_title: String::new(),
        manager_email: String::new(),
        status: MemberStatus::Active.into(),
        groups: vec![org.group("all"), org.group("eng")],
        assignment: org.assignment("engineering"),
        pin: None,
        settings: Some(rollcall_testkit::no_settings()),
        held_seats: Vec::new(),
        pending_seats: Vec::new(),
        email_export: EmailExport::Export.into(),
        email_export_since: member.update_time,
        email_export_source: EmailExportSource::Assignment.into(),
        create_time: member.create_time,
        update_time: member.update_time,
        etag: member.etag.clone(),
    };
    assert_eq!(member, expected);
    let get = |name: String| GetMemberRequest { name, ..Default::default() };
    let unknown = "NotFound MEMBER_NOT_FOUND member=nobody";
    assert_eq!(refused(server.members().get_member(get(org.member("nobody")))).await, unknown);
    assert_eq!(
        refused(server.members().get_member(get(org.group("eng")))).await,
        "InvalidArgument INVALID_REQUEST name"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_contain_every_remaining_member_once_during_writes() {
    let server = TestServer::start().await;
    let everybody = ["m1", "m2", "m3", "m4", "m45", "m5", "m6", "m7"];
    for (id, filtered, expected) in [("acme", false, &everybody[..]), ("beta", true, &everybody[..7])] {
        let org = Org::create(&server, id, Phase::Migrated).await;
        org.sync(&["m1", "m2", "m3", "m4", "m5", "m6", "m7"].map(|id| Member::new(id, &["eng"]))).await;
        org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
        org.assign("other", &["eng"], AUTOMATIC, DO_NOT_EXPORT).await;
        let assignment = if filtered { org.assignment("engineering") } else { String::new() };
        let filter = ListMembersRequest { assignment, page_size: 2, ..all(&org) };
        let mut found = Vec::new();
        let mut page = list(&server, filter.clone()).await;
        for (newcomer, target) in [("m0", "other"), ("m45", "engineering"), ("m1a", "other")] {
            // A member is added. A listed member and an unlisted member move.
            let mut request = org.full_sync(&[Member::new(newcomer, &["eng"])]);
            request.mode = SyncMode::Delta.into();
            server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
            move_to(&server, &org, &["m1", "m7"], target).await;
            found.extend(page.members);
            page = list(&server, ListMembersRequest { page_token: page.next_page_token, ..filter.clone() }).await;
        }
        found.extend(page.members);
        assert_eq!((ids(&found), page.next_page_token.as_str()), (expected.to_vec(), ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_never_exceeds_the_message_limit_of_clients() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let names: Vec<String> = (0..160).map(|number| format!("m{number:03}")).collect();
    let groups: Vec<String> = (0..100).map(|number| format!("{number:0>255}")).collect();
    let member = |name: &String| DirectoryMember {
        member: name.clone(),
        email: org.email(name),
        status: MemberStatus::Active.into(),
        ..Default::default()
    };
    let group = |group: &String| DirectoryGroup { group: group.clone(), ..Default::default() };
    let first = SyncDirectoryRequest {
        members: names.iter().map(member).collect(),
        groups: groups.iter().map(group).collect(),
        ..org.full_sync(&[])
    };
    // Every member is in all groups, which is more than 4 MB of names.
    let of_group = |group: &String| SyncDirectoryRequest {
        memberships: names.iter().map(|name| Membership { group: group.clone(), member: name.clone() }).collect(),
        ..Default::default()
    };
    let stream: Vec<_> = [first].into_iter().chain(groups.iter().map(of_group)).collect();
    server.directory().sync_directory(tokio_stream::iter(stream)).await.unwrap();
    let (mut found, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = list(&server, ListMembersRequest { page_size: 1000, page_token, ..all(&org) }).await;
        (page_token, pages) = (page.next_page_token, pages + 1);
        found.extend(page.members);
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!((ids(&found), pages), (names.iter().map(String::as_str).collect(), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_valid_only_for_their_list_and_the_assignment_must_exist() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let operations = ListMembersRequest { assignment: org.assignment("operations"), ..all(&org) };
    assert_eq!(ids(&list(&server, all(&org)).await.members), ["builder", "gone", "keeper", "loner", "mover"]);
    assert_eq!(ids(&list(&server, operations.clone()).await.members), ["keeper", "mover"]);
    let page_token = list(&server, ListMembersRequest { page_size: 1, ..all(&org) }).await.next_page_token;
    let nowhere = ListMembersRequest { assignment: org.assignment("moon"), ..all(&org) };
    let cases = [
        (
            ListMembersRequest { page_token: page_token.clone(), ..operations },
            "InvalidArgument INVALID_REQUEST page_token",
        ),
        (
            ListMembersRequest { page_token: format!("{page_token}x"), ..all(&org) },
            "InvalidArgument INVALID_REQUEST page_token",
        ),
        (ListMembersRequest { page_size: -1, ..all(&org) }, "InvalidArgument INVALID_REQUEST page_size"),
        (nowhere, "NotFound ASSIGNMENT_NOT_FOUND assignment=moon"),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.members().list_members(request)).await, expected);
    }
}

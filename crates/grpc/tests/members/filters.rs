//! Finding members: by address, and by group, assignment, status and text.

use rollcall_proto::v1::{
    DirectoryMember, EmailExport, ListMembersRequest, LookUpMemberRequest, Phase, SyncDirectoryRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

use crate::{delta, ids, list};

async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    let people = [
        Member::new("ann", &["eng", "all"]),
        Member::new("bea", &["sales", "all"]),
        Member::new("cyd", &["eng"]).inactive(),
        Member::new("dan", &["sales"]),
        Member::new("eli", &[]),
    ];
    org.sync(&people).await;
    org.assign("sales", &["sales"], UpdateMode::ManualEditing, Some(EmailExport::Export)).await;
    let row = |member: &'static str, email: &str, given: &str, family: &str, job: &str| DirectoryMember {
        email: email.to_owned(),
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        job_title: job.to_owned(),
        ..org.row(&Member::new(member, &[]))
    };
    let members = vec![
        row("ann", "ann.lee@acme.example", "Ann", "Lee", "Chief \"Bug\" Officer"),
        row("dan", "dan@acme.example", "Dan", "Ånnberg", "Sales"),
    ];
    delta(server, SyncDirectoryRequest { parent: org.name(), members, ..Default::default() }).await;
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_listed_by_group_assignment_status_and_text() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let cases: [(&str, &[&str]); 16] = [
        ("", &["ann", "bea", "cyd", "dan", "eli"]),
        ("group = eng", &["ann", "cyd"]),
        ("group = all", &["ann", "bea"]),
        ("assignment = sales", &["bea", "dan"]),
        ("assignment = default AND status = ACTIVE", &["ann", "eli"]),
        ("status = ACTIVE", &["ann", "bea", "dan", "eli"]),
        ("status = INACTIVE", &["cyd"]),
        ("group = eng AND status = ACTIVE", &["ann"]),
        ("group = all AND assignment = sales", &["bea"]),
        ("text : LEE", &["ann"]),
        ("text : \"ann lee\"", &["ann"]),
        ("text : \"chief \\\"bug\\\"\"", &["ann"]),
        ("text : ånnberg", &[]),
        ("text : Ånnberg", &["dan"]),
        ("text : \"@acme.example\" AND group = sales AND status = ACTIVE", &["bea", "dan"]),
        ("text : \"%\"", &[]),
    ];
    for (filter, expected) in cases {
        let request = ListMembersRequest { parent: org.name(), filter: filter.to_owned(), ..Default::default() };
        assert_eq!(ids(&list(&server, request.clone()).await.members), expected, "{filter}");
        // In pages of one, each member is listed once.
        let (mut found, mut page) = (Vec::new(), ListMembersRequest { page_size: 1, ..request });
        loop {
            let answer = list(&server, page.clone()).await;
            found.extend(ids(&answer.members).iter().map(ToString::to_string));
            if answer.next_page_token.is_empty() {
                break;
            }
            page.page_token = answer.next_page_token;
        }
        assert_eq!(found, expected, "{filter} in pages");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_filter_is_refused_and_a_page_token_belongs_to_its_filter() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let request = |filter: &str| ListMembersRequest {
        parent: org.name(),
        filter: filter.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    for (filter, expected) in [
        ("name = x", "InvalidArgument INVALID_REQUEST filter"),
        ("status > ACTIVE", "InvalidArgument INVALID_REQUEST filter"),
        ("group = moon", "NotFound GROUP_NOT_FOUND group=moon"),
        ("assignment = moon", "NotFound ASSIGNMENT_NOT_FOUND assignment=moon"),
    ] {
        assert_eq!(refused(server.members().list_members(request(filter))).await, expected, "{filter}");
    }
    let both = ListMembersRequest { assignment: org.assignment("sales"), ..request("assignment = sales") };
    assert_eq!(refused(server.members().list_members(both)).await, "InvalidArgument INVALID_REQUEST filter");
    let status = server.members().list_members(request("status != ACTIVE")).await.unwrap_err();
    assert!(
        status.message().starts_with("the request is not valid: filter: at character 8 of the filter: "),
        "{status}"
    );
    let first = list(&server, request("status = ACTIVE")).await;
    let next = ListMembersRequest { page_token: first.next_page_token, ..request("group = eng") };
    assert_eq!(refused(server.members().list_members(next)).await, "InvalidArgument INVALID_REQUEST page_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_looked_up_by_the_address_that_the_member_holds() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let request =
        |email: &str| LookUpMemberRequest { parent: org.name(), email: email.to_owned(), ..Default::default() };
    for (email, member) in [
        ("Ann.Lee@Acme.Example", "ann"),
        // An earlier address, which no other member has got since.
        ("ann@acme.example", "ann"),
        ("cyd@acme.example", "cyd"),
    ] {
        let found = server.members().look_up_member(request(email)).await.unwrap().into_inner();
        assert_eq!(found.member, Some(org.get_member(member).await), "{email}");
        assert_eq!(org.check(email.split('@').next().unwrap(), None).await.member, org.member(member));
    }
    for (email, expected) in [
        ("nobody@acme.example", "NotFound MEMBER_NOT_FOUND email=nobody@acme.example"),
        ("ann", "InvalidArgument INVALID_REQUEST email"),
        ("", "InvalidArgument INVALID_REQUEST email"),
    ] {
        assert_eq!(refused(server.members().look_up_member(request(email))).await, expected, "{email}");
    }
    let old = LookUpMemberRequest { parent: "organizations/none".to_owned(), ..request("ann@acme.example") };
    let expected = "NotFound ORGANIZATION_NOT_FOUND organization=none";
    assert_eq!(refused(server.members().look_up_member(old)).await, expected);
}

//! The team members CSV (product.md 8).

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use rollcall_proto::v1::{
    CsvProfile, DataCapture, DirectoryMember, ExportMembersCsvRequest, GetCatalogRequest, GetMemberRequest,
    MemberStatus, PermissionProfile, Phase, SeatType, Settings, UpdateCatalogRequest, Workspace, WorkspacePermission,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

use crate::{AUTOMATIC, EXPORT, all, ids, list};

async fn csv(server: &TestServer, org: &Org<'_>, profile: CsvProfile) -> String {
    let request = ExportMembersCsvRequest { parent: org.name(), profile: profile.into(), ..Default::default() };
    let mut stream = server.members().export_members_csv(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        bytes.extend(piece.data);
    }
    String::from_utf8(bytes).unwrap()
}

const HEADER: &str = "organization,member,email,name,job_title,manager_email,status,assignment,assignment_name,\
    assignment_rank,update_mode,seats,web_conferences_recorded,prevent_web_conference_recording,\
    telephony_calls_imported,emails_imported,prevent_email_import,non_recorded_meetings_imported,\
    gong_connect_enabled,home_workspace,permission_profiles,email_export,email_export_since,email_export_source\r\n";

/// Members with unusual ids and names, in an assignment with all settings.
async fn awkward(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    let person = |id: &str, email: &str, names: (&str, &str), title: &str, manager: &str, status: MemberStatus| {
        DirectoryMember {
            member: id.to_owned(),
            email: email.to_owned(),
            given_name: names.0.to_owned(),
            family_name: names.1.to_owned(),
            job_title: title.to_owned(),
            manager_email: manager.to_owned(),
            status: status.into(),
        }
    };
    let mut request = org.full_sync(&[Member::new("=cmd", &["sales"]), Member::new("a", &["sales"])]);
    request.members = vec![
        person("é/ü x", "E@acme.example", ("", "É"), "", "", MemberStatus::Active),
        person("a", "a@acme.example", ("A", ""), "", "", MemberStatus::Inactive),
        person("B", "b@acme.example", ("Ada \"A\"", "Byron, L."), "", "", MemberStatus::Active),
        person("=cmd", "=cmd@acme.example", ("+1", "two"), "-Boss", "+x@acme.example", MemberStatus::Active),
    ];
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
    let request = GetCatalogRequest { name: format!("{}/catalog", org.name()), ..Default::default() };
    let mut catalog = server.organizations().get_catalog(request).await.unwrap().into_inner().catalog.unwrap();
    catalog.seat_types =
        ["gong", "engage"].map(|id| SeatType { seat_type: id.to_owned(), ..Default::default() }).into();
    let admin = || vec![PermissionProfile { profile: "admin".to_owned(), ..Default::default() }];
    let workspace = |id: &str| Workspace { workspace: id.to_owned(), profiles: admin(), ..Default::default() };
    catalog.workspaces = ["hq", "lab"].map(workspace).into();
    let request = UpdateCatalogRequest { catalog: Some(catalog), ..Default::default() };
    server.organizations().update_catalog(request).await.unwrap();
    let permission =
        |workspace: &str| WorkspacePermission { workspace: workspace.to_owned(), profile: "admin".to_owned() };
    let mut request = org.new_assignment("sales", &["sales"], AUTOMATIC, EXPORT);
    let assignment = request.assignment.as_mut().unwrap();
    assignment.display_name = "=Sales".to_owned();
    assignment.settings = Some(Settings {
        seats: vec!["gong".to_owned(), "engage".to_owned()],
        home_workspace: Some("hq".to_owned()),
        permissions: vec![permission("lab"), permission("hq")],
        data_capture: Some(DataCapture { emails_imported: Some(true), ..Default::default() }),
    });
    server.assignments().create_assignment(request).await.unwrap();
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn the_csv_has_the_same_bytes_for_the_same_data_and_is_harmless_in_a_spreadsheet() {
    let server = TestServer::start().await;
    let org = awkward(&server).await;
    let since = org.get_member("%3Dcmd").await.email_export_since.unwrap();
    let since = DateTime::from_timestamp(since.seconds, since.nanos.unsigned_abs()).unwrap();
    let since = since.to_rfc3339_opts(SecondsFormat::Micros, true);
    let sales = format!("false,false,false,true,false,false,false,hq,hq=admin;lab=admin,EXPORT,{since},ASSIGNMENT\r\n");
    let default = "ACTIVE,default,Default,2,MANUAL_EDITING,,false,false,false,false,false,false,false,,,DO_NOT_EXPORT,,ASSIGNMENT\r\n";
    let rows = |quote: &str| {
        [
            format!("acme,{quote}=cmd,{quote}=cmd@acme.example,{quote}+1 two,{quote}-Boss,{quote}+x@acme.example,ACTIVE,sales,{quote}=Sales,1,AUTOMATIC_UPDATES,engage;gong,{sales}"),
            format!("acme,B,b@acme.example,\"Ada \"\"A\"\" Byron, L.\",,,{default}"),
            format!("acme,a,a@acme.example,A,,,INACTIVE,sales,{quote}=Sales,1,AUTOMATIC_UPDATES,,{sales}"),
            format!("acme,é/ü x,e@acme.example,É,,,{default}"),
        ]
        .concat()
    };
    assert_eq!(csv(&server, &org, CsvProfile::Raw).await, format!("{HEADER}{}", rows("")));
    for profile in [CsvProfile::Unspecified, CsvProfile::Spreadsheet, CsvProfile::Spreadsheet] {
        assert_eq!(csv(&server, &org, profile).await, format!("{HEADER}{}", rows("'")));
    }
    // Resource names contain the same ids percent-encoded.
    let members = list(&server, all(&org)).await.members;
    assert_eq!(ids(&members), ["%3Dcmd", "B", "a", "%C3%A9%2F%C3%BC%20x"]);
    let seats =
        BTreeMap::from_iter(members.iter().zip(ids(&members)).map(|(member, id)| (id, member.held_seats.len())));
    assert_eq!(seats, BTreeMap::from([("%3Dcmd", 2), ("B", 0), ("a", 0), ("%C3%A9%2F%C3%BC%20x", 0)]));
    for member in members {
        let request = GetMemberRequest { name: member.name.clone(), ..Default::default() };
        assert_eq!(server.members().get_member(request).await.unwrap().into_inner().member, Some(member));
    }
    let request = ExportMembersCsvRequest { parent: org.name(), profile: 9, ..Default::default() };
    assert_eq!(refused(server.members().export_members_csv(request)).await, "InvalidArgument INVALID_REQUEST profile");
    let request = ExportMembersCsvRequest { parent: "organizations/none".to_owned(), ..Default::default() };
    let unknown = "NotFound ORGANIZATION_NOT_FOUND organization=none";
    assert_eq!(refused(server.members().export_members_csv(request)).await, unknown);
}

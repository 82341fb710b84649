//! An example client of Rollcall, see docs/clients.md. It creates its own organization, and fails if a response is not
//! as expected.
//!
//! ```sh
//! cargo run -p rollcall-proto --example client -- localhost:50051
//! ```

use std::{env, error::Error, time::Duration};

use rollcall_proto::v1::{
    Assignment, CheckEmailExportRequest, CreateAssignmentRequest, CreateAssignmentResponse, CreateOrganizationRequest,
    DeleteAssignmentRequest, DirectoryGroup, DirectoryMember, EmailExport, ListMembersRequest, Member, MemberStatus,
    Membership, SyncDirectoryRequest, SyncMode, UpdateMode, assignment_service_client::AssignmentServiceClient,
    check_email_export_request::Subject, directory_service_client::DirectoryServiceClient,
    email_export_service_client::EmailExportServiceClient, member_service_client::MemberServiceClient,
    organization_service_client::OrganizationServiceClient,
};
use tokio::time::sleep;
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::{ErrorInfo, StatusExt as _};
use uuid::Uuid;

const PEOPLE: usize = 25;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("usage: client HOST:PORT")?;
    let channel = connect(&address)?;
    let assignments = AssignmentServiceClient::new(channel.clone());
    let organization = set_up(&channel).await?;
    let created = create_assignment(&assignments, &organization).await?;
    let name = created.assignment.unwrap_or_default().name;
    println!("created {name} once, asked for twice");

    let email_export = EmailExportServiceClient::new(channel.clone());
    if !may_export(&email_export, &organization, "p07@example.com", &created.revision).await {
        return Err("p07@example.com may not be exported, though the assignment says EXPORT".into());
    }
    println!("p07@example.com may be exported");

    let members = list_members(&MemberServiceClient::new(channel), &organization).await?;
    if members.len() != PEOPLE {
        return Err(format!("{} members were listed, not {PEOPLE}", members.len()).into());
    }
    println!("listed {} members", members.len());

    let deletion = DeleteAssignmentRequest { name, request_id: Uuid::now_v7().to_string(), ..Default::default() };
    let deleted = retrying(async || assignments.clone().delete_assignment(deletion.clone()).await).await;
    let refusal = deleted.err().ok_or("an assignment with members was deleted")?;
    let info = error_info(&refusal).ok_or("a refusal without an ErrorInfo")?;
    if info.reason != "ASSIGNMENT_HAS_MEMBERS" || info.metadata.get("members") != Some(&PEOPLE.to_string()) {
        return Err(refusal.into());
    }
    println!("refused: {} {} {:?}", info.domain, info.reason, info.metadata);
    Ok(())
}

fn connect(address: &str) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    Ok(endpoint.timeout(Duration::from_secs(60)).connect_lazy())
}

async fn retrying<T>(call: impl AsyncFn() -> Result<Response<T>, Status>) -> Result<T, Status> {
    let mut pause = Duration::from_millis(200);
    for _ in 1..5 {
        match call().await {
            // tonic reports a broken connection as UNKNOWN, a code that the server never sends
            Err(status) if matches!(status.code(), Code::Unavailable | Code::Unknown) => sleep(pause).await,
            answer => return answer.map(Response::into_inner),
        }
        pause *= 2;
    }
    call().await.map(Response::into_inner)
}

async fn create_assignment(
    assignments: &AssignmentServiceClient<Channel>,
    organization: &str,
) -> Result<CreateAssignmentResponse, Box<dyn Error>> {
    let request = CreateAssignmentRequest {
        parent: organization.to_owned(),
        assignment_id: "sales".to_owned(),
        assignment: Some(Assignment {
            display_name: "Sales".to_owned(),
            groups: vec![format!("{organization}/groups/sales")],
            update_mode: UpdateMode::AutomaticUpdates.into(),
            email_export: EmailExport::Export.into(),
            ..Default::default()
        }),
        request_id: Uuid::now_v7().to_string(), // one id for one change: send the same id with every retry
        ..Default::default()
    };
    let created = retrying(async || assignments.clone().create_assignment(request.clone()).await).await?;
    let again = retrying(async || assignments.clone().create_assignment(request.clone()).await).await?;
    if created != again {
        return Err(format!("the same request was answered with {created:?} and then with {again:?}").into());
    }
    Ok(created)
}

fn error_info(status: &Status) -> Option<ErrorInfo> {
    status.get_details_error_info()
}

async fn list_members(members: &MemberServiceClient<Channel>, organization: &str) -> Result<Vec<Member>, Status> {
    let mut all = Vec::new();
    let mut request = ListMembersRequest { parent: organization.to_owned(), page_size: 10, ..Default::default() };
    loop {
        let page = retrying(async || members.clone().list_members(request.clone()).await).await?;
        all.extend(page.members);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        request.page_token = page.next_page_token;
    }
}

async fn may_export(
    email_export: &EmailExportServiceClient<Channel>,
    organization: &str,
    email: &str,
    revision: &str,
) -> bool {
    let question = CheckEmailExportRequest {
        parent: organization.to_owned(),
        subject: Some(Subject::Email(email.to_owned())),
        at_least_revision: revision.to_owned(), // the revision of the last write to include; empty for none
        ..Default::default()
    };
    let ask = async || {
        let mut request = Request::new(question.clone());
        request.set_timeout(Duration::from_secs(3));
        email_export.clone().check_email_export(request).await
    };
    retrying(ask).await.map(|answer| answer.export).unwrap_or_else(|status| {
        eprintln!("not exported, because the check got no answer: {status}");
        false
    })
}

/// Creates an organization with 25 people who are all in one group.
async fn set_up(channel: &Channel) -> Result<String, Status> {
    let organizations = OrganizationServiceClient::new(channel.clone());
    let request = CreateOrganizationRequest { request_id: Uuid::now_v7().to_string(), ..Default::default() };
    let created = retrying(async || organizations.clone().create_organization(request.clone()).await).await?;
    let parent = created.organization.unwrap_or_default().name;

    let members: Vec<String> = (1..=PEOPLE).map(|number| format!("p{number:02}")).collect();
    let person = |member: &String| DirectoryMember {
        member: member.clone(),
        email: format!("{member}@example.com"),
        status: MemberStatus::Active.into(),
        ..Default::default()
    };
    let rows = SyncDirectoryRequest {
        parent: parent.clone(),
        mode: SyncMode::Full.into(),
        request_id: Uuid::now_v7().to_string(),
        groups: vec![DirectoryGroup { group: "sales".to_owned(), ..Default::default() }],
        members: members.iter().map(person).collect(),
        memberships: members.iter().map(|m| Membership { group: "sales".to_owned(), member: m.clone() }).collect(),
        ..Default::default()
    };
    let directory = DirectoryServiceClient::new(channel.clone());
    retrying(async || directory.clone().sync_directory(tokio_stream::iter([rows.clone()])).await).await?;
    Ok(parent)
}

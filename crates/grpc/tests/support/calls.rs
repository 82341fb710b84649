//! Making calls, and what comes of them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, DeleteAssignmentRequest, GetAssignmentRequest, MoveAssignmentRequest,
    MoveMembersRequest, ReleaseMembersRequest, SyncCounts, SyncDirectoryRequest, UpdateAssignmentRequest,
    UpdateMemberSettingsRequest, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient, member_service_client::MemberServiceClient,
};
use rollcall_testkit::{TestServer, reason};
use tonic::{Code, Status, transport::Channel};

use super::organization::parent;

/// A call that may change something.
pub(crate) enum Call {
    Create(CreateAssignmentRequest),
    Update(UpdateAssignmentRequest),
    /// Reads this assignment and writes it back with another name, unless it changed meanwhile.
    Rewrite(String),
    Delete(DeleteAssignmentRequest),
    MoveAssignment(MoveAssignmentRequest),
    Sync(SyncDirectoryRequest),
    Edit(Box<UpdateMemberSettingsRequest>),
    MoveMembers(MoveMembersRequest),
    Release(ReleaseMembersRequest),
}

/// What came of one.
pub(crate) enum Outcome {
    /// It made a revision, and this is what the audit must say under it.
    Wrote { revision: i64, method: &'static str, resource: String },
    /// The assignment is moved, or was at that rank already.
    Moved { revision: i64, resource: String },
    /// There was nothing to change.
    Unchanged { revision: i64 },
    /// The rules do not allow it, for this reason.
    Refused(String),
}

/// Who makes calls.
pub(crate) struct Caller {
    assignments: AssignmentServiceClient<Channel>,
    directory: DirectoryServiceClient<Channel>,
    members: MemberServiceClient<Channel>,
}

impl Caller {
    pub(crate) fn new(server: &TestServer) -> Self {
        Self { assignments: server.assignments(), directory: server.directory(), members: server.members() }
    }

    /// Makes a call. Anything but an answer or a refusal by the rules fails the test: a deadlock,
    /// a timeout, or rows that another writer has made.
    pub(crate) async fn call(&mut self, call: Call) -> Outcome {
        const REFUSALS: [Code; 5] =
            [Code::FailedPrecondition, Code::NotFound, Code::Aborted, Code::InvalidArgument, Code::AlreadyExists];
        match self.make(call).await {
            Ok(outcome) => outcome,
            Err(status) if REFUSALS.contains(&status.code()) => Outcome::Refused(reason(&status)),
            Err(status) => panic!("no writer may make another one fail: {status:?}"),
        }
    }

    async fn make(&mut self, call: Call) -> Result<Outcome, Status> {
        Ok(match call {
            Call::Create(request) => {
                let resource = format!("{}/assignments/{}", request.parent, request.assignment_id);
                let answer = self.assignments.create_assignment(request).await?.into_inner();
                wrote("CreateAssignment", resource, &answer.revision)
            }
            Call::Update(request) => self.update(request).await?,
            Call::Rewrite(name) => {
                let request = GetAssignmentRequest { name, ..Default::default() };
                let read = self.assignments.get_assignment(request).await?.into_inner().assignment.unwrap();
                let display_name = format!("{} again", read.display_name.split(' ').next().unwrap_or_default());
                let assignment = Some(Assignment { display_name, ..read });
                self.update(UpdateAssignmentRequest { assignment, ..Default::default() }).await?
            }
            Call::Delete(request) => {
                let resource = request.name.clone();
                let answer = self.assignments.delete_assignment(request).await?.into_inner();
                wrote("DeleteAssignment", resource, &answer.revision)
            }
            Call::MoveAssignment(request) => {
                let resource = request.name.clone();
                let answer = self.assignments.move_assignment(request).await?.into_inner();
                Outcome::Moved { revision: revision_of(&answer.revision), resource }
            }
            Call::Sync(request) => {
                let answer = self.directory.sync_directory(tokio_stream::once(request)).await?.into_inner();
                let changed = answer.counts != Some(SyncCounts::default());
                wrote_if(changed, "SyncDirectory", format!("{}/directory", parent()), &answer.revision)
            }
            Call::Edit(request) => {
                let resource = request.member.as_ref().unwrap().name.clone();
                let answer = self.members.update_member_settings(*request).await?.into_inner();
                wrote("UpdateMemberSettings", resource, &answer.revision)
            }
            Call::MoveMembers(request) => {
                let answer = self.members.move_members(request).await?.into_inner();
                wrote("MoveMembers", format!("{}/members", parent()), &answer.revision)
            }
            Call::Release(request) => {
                let answer = self.members.release_members(request).await?.into_inner();
                let changed = answer.released_count > 0;
                wrote_if(changed, "ReleaseMembers", format!("{}/members", parent()), &answer.revision)
            }
        })
    }

    async fn update(&mut self, request: UpdateAssignmentRequest) -> Result<Outcome, Status> {
        let resource = request.assignment.as_ref().unwrap().name.clone();
        let answer = self.assignments.update_assignment(request).await?.into_inner();
        Ok(wrote("UpdateAssignment", resource, &answer.revision))
    }
}

fn wrote_if(changed: bool, method: &'static str, resource: String, token: &str) -> Outcome {
    if changed { wrote(method, resource, token) } else { Outcome::Unchanged { revision: revision_of(token) } }
}

fn wrote(method: &'static str, resource: String, token: &str) -> Outcome {
    Outcome::Wrote { revision: revision_of(token), method, resource }
}

/// The number in a revision token. To callers a token is opaque; this test belongs to its maker.
fn revision_of(token: &str) -> i64 {
    let decoded = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    decoded.split(':').nth(1).unwrap().parse().unwrap()
}

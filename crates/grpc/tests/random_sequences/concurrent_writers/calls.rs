//! The calls of a writer and their outcomes.

use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, DeleteAssignmentRequest, GetAssignmentRequest, MoveAssignmentRequest,
    MoveMembersRequest, ReleaseMembersRequest, SyncCounts, SyncDirectoryRequest, UpdateAssignmentRequest,
    UpdateMemberSettingsRequest, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient, member_service_client::MemberServiceClient,
};
use rollcall_testkit::{TestServer, reason};
use tonic::{Code, Status, transport::Channel};

use super::organization::parent;
use crate::api_snapshot::revision_number;

/// A call of a writer.
pub(crate) enum WriterCall {
    Create(CreateAssignmentRequest),
    Update(UpdateAssignmentRequest),
    /// Reads the assignment with this name, and updates its display name with the etag that was read.
    Rewrite(String),
    Delete(DeleteAssignmentRequest),
    MoveAssignment(MoveAssignmentRequest),
    Sync(SyncDirectoryRequest),
    Edit(Box<UpdateMemberSettingsRequest>),
    MoveMembers(MoveMembersRequest),
    Release(ReleaseMembersRequest),
}

/// The outcome of a call.
pub(crate) enum CallOutcome {
    /// The call created a revision. Its audit event has this method and resource.
    Wrote { revision: i64, method: &'static str, resource: String },
    /// The assignment was moved, or already had that rank.
    Moved { revision: i64, resource: String },
    /// The call changed nothing.
    Unchanged { revision: i64 },
    /// The call was refused with this reason.
    Refused(String),
}

/// The clients of a writer.
pub(crate) struct WriterClient {
    assignments: AssignmentServiceClient<Channel>,
    directory: DirectoryServiceClient<Channel>,
    members: MemberServiceClient<Channel>,
}

impl WriterClient {
    pub(crate) fn new(server: &TestServer) -> Self {
        Self { assignments: server.assignments(), directory: server.directory(), members: server.members() }
    }

    /// Makes a call. Only success or a refusal by a rule is allowed. A deadlock, a timeout or a conflict
    /// with the rows of another writer fails the test.
    pub(crate) async fn call(&mut self, call: WriterCall) -> CallOutcome {
        const REFUSALS: [Code; 5] =
            [Code::FailedPrecondition, Code::NotFound, Code::Aborted, Code::InvalidArgument, Code::AlreadyExists];
        match self.make(call).await {
            Ok(outcome) => outcome,
            Err(status) if REFUSALS.contains(&status.code()) => CallOutcome::Refused(reason(&status)),
            Err(status) => panic!("a call failed because of another writer: {status:?}"),
        }
    }

    async fn make(&mut self, call: WriterCall) -> Result<CallOutcome, Status> {
        Ok(match call {
            WriterCall::Create(request) => {
                let resource = format!("{}/assignments/{}", request.parent, request.assignment_id);
                let answer = self.assignments.create_assignment(request).await?.into_inner();
                wrote("CreateAssignment", resource, &answer.revision)
            }
            WriterCall::Update(request) => self.update(request).await?,
            WriterCall::Rewrite(name) => {
                let request = GetAssignmentRequest { name, ..Default::default() };
                let read = self.assignments.get_assignment(request).await?.into_inner().assignment.unwrap();
                let display_name = format!("{} again", read.display_name.split(' ').next().unwrap_or_default());
                let assignment = Some(Assignment { display_name, ..read });
                self.update(UpdateAssignmentRequest { assignment, ..Default::default() }).await?
            }
            WriterCall::Delete(request) => {
                let resource = request.name.clone();
                let answer = self.assignments.delete_assignment(request).await?.into_inner();
                wrote("DeleteAssignment", resource, &answer.revision)
            }
            WriterCall::MoveAssignment(request) => {
                let resource = request.name.clone();
                let answer = self.assignments.move_assignment(request).await?.into_inner();
                CallOutcome::Moved { revision: revision_of(&answer.revision), resource }
            }
            WriterCall::Sync(request) => {
                let answer = self.directory.sync_directory(tokio_stream::once(request)).await?.into_inner();
                let changed = answer.counts != Some(SyncCounts::default());
                wrote_if(changed, "SyncDirectory", format!("{}/directory", parent()), &answer.revision)
            }
            WriterCall::Edit(request) => {
                let resource = request.member.as_ref().unwrap().name.clone();
                let answer = self.members.update_member_settings(*request).await?.into_inner();
                wrote("UpdateMemberSettings", resource, &answer.revision)
            }
            WriterCall::MoveMembers(request) => {
                let answer = self.members.move_members(request).await?.into_inner();
                wrote("MoveMembers", format!("{}/members", parent()), &answer.revision)
            }
            WriterCall::Release(request) => {
                let answer = self.members.release_members(request).await?.into_inner();
                let changed = answer.released_count > 0;
                wrote_if(changed, "ReleaseMembers", format!("{}/members", parent()), &answer.revision)
            }
        })
    }

    async fn update(&mut self, request: UpdateAssignmentRequest) -> Result<CallOutcome, Status> {
        let resource = request.assignment.as_ref().unwrap().name.clone();
        let answer = self.assignments.update_assignment(request).await?.into_inner();
        Ok(wrote("UpdateAssignment", resource, &answer.revision))
    }
}

fn wrote_if(changed: bool, method: &'static str, resource: String, token: &str) -> CallOutcome {
    if changed { wrote(method, resource, token) } else { CallOutcome::Unchanged { revision: revision_of(token) } }
}

fn wrote(method: &'static str, resource: String, token: &str) -> CallOutcome {
    CallOutcome::Wrote { revision: revision_of(token), method, resource }
}

fn revision_of(token: &str) -> i64 {
    revision_number(token).expect("a revision token")
}

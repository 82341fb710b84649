//! A mutation as it is asked for: what every one of them carries (`request_id`, `validate_only`)
//! is read here, and its answer is encoded here when it has to be kept.

use prost::Message;
use rollcall_app::{Answer, Call, Caller, Changed, requests::RequestKey};
use rollcall_domain::Violation;
use rollcall_proto::v1;
use sha2::{Digest as _, Sha256};
use tonic::{Response, Status};
use uuid::Uuid;

use crate::{request::Checks, status::to_status};

/// A request that changes something.
pub(crate) trait Mutation: Message {
    /// The RPC's name, for the audit.
    const METHOD: &'static str;
    fn request_id(&self) -> &str;
    fn validate_only(&self) -> bool;
}

macro_rules! mutations {
    ($($request:ident = $method:literal),* $(,)?) => {
        $(impl Mutation for v1::$request {
            const METHOD: &'static str = $method;
            fn request_id(&self) -> &str {
                &self.request_id
            }
            fn validate_only(&self) -> bool {
                self.validate_only
            }
        })*
    };
}

mutations! {
    CreateOrganizationRequest = "CreateOrganization",
    UpdateOrganizationRequest = "UpdateOrganization",
    UpdateCatalogRequest = "UpdateCatalog",
    CreateAssignmentRequest = "CreateAssignment",
    UpdateAssignmentRequest = "UpdateAssignment",
    DeleteAssignmentRequest = "DeleteAssignment",
    MoveAssignmentRequest = "MoveAssignment",
    ReorderAssignmentsRequest = "ReorderAssignments",
    UpdateMemberSettingsRequest = "UpdateMemberSettings",
    MoveMembersRequest = "MoveMembers",
    ReleaseMembersRequest = "ReleaseMembers",
    SyncDirectoryRequest = "SyncDirectory",
    ImportLegacySettingsRequest = "ImportLegacySettings",
    RollBackMigrationRequest = "RollBackMigration",
    RetryMigrationRequest = "RetryMigration",
    RunJobRequest = "RunJob",
    CancelJobRunRequest = "CancelJobRun",
}

/// Who asks for a change, and how.
pub(crate) struct Asked(Caller);

impl Asked {
    /// Reads what the request says of itself.
    pub(crate) fn read<Q: Mutation>(checks: &mut Checks, request: &Q) -> Self {
        let id = checks.take("request_id", parse_request_id(request.request_id())).flatten();
        let request_key = id.map(|id| {
            let digest = Sha256::new().chain_update(Q::METHOD).chain_update([0]).chain_update(request.encode_to_vec());
            RequestKey { id, fingerprint: digest.finalize().to_vec() }
        });
        Self(Caller {
            // Until callers are authenticated nobody has a name.
            actor: "anonymous".to_owned(),
            method: Q::METHOD,
            trace_id: crate::layers::trace_id(),
            validate_only: request.validate_only(),
            request: request_key,
        })
    }

    /// Takes more into what makes two requests the same: the rows of a stream.
    pub(crate) fn and(mut self, more: &[u8]) -> Self {
        if let Some(request) = &mut self.0.request {
            request.fingerprint.extend(more);
            request.fingerprint = Sha256::digest(&request.fingerprint).to_vec();
        }
        self
    }

    /// The call of a use case whose answer is rendered like this.
    pub(crate) fn call<'a, T, M: Message>(self, render: &'a (impl Fn(&Changed<T>) -> M + Send + Sync)) -> Call<'a, T> {
        Call::new(self.0, |changed| render(changed).encode_to_vec())
    }
}

/// The response: rendered, or the one that was given before.
pub(crate) fn respond<T, M: Message + Default>(
    answer: Answer<T>,
    render: impl Fn(&Changed<T>) -> M,
) -> Result<Response<M>, Status> {
    let message = match answer {
        Answer::Made(changed) => render(&changed),
        Answer::Repeated(bytes) => {
            M::decode(bytes.as_slice()).map_err(|error| to_status(rollcall_app::Error::Internal(error.into())))?
        }
    };
    Ok(Response::new(message))
}

/// A digest of the rows of a stream, however they were cut into messages; of none without a
/// `request_id`, which alone needs it.
pub(crate) struct RowsDigest(Option<[Sha256; 4]>);

impl RowsDigest {
    pub(crate) fn of_request(id: &str) -> Self {
        Self((!id.is_empty()).then(Default::default))
    }

    /// Takes rows of one of four kinds.
    pub(crate) fn take(&mut self, kind: usize, rows: &[impl Message]) {
        if let Some(digests) = &mut self.0 {
            rows.iter().for_each(|row| digests[kind].update(row.encode_length_delimited_to_vec()));
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_iter().flatten().flat_map(Sha256::finalize).collect()
    }
}

fn parse_request_id(id: &str) -> Result<Option<Uuid>, Violation> {
    if id.is_empty() {
        return Ok(None);
    }
    let description = || format!("`{id}` is not a UUID; make a new one for each request");
    Uuid::try_parse(id).map(Some).map_err(|_| Violation::invalid("", description()))
}

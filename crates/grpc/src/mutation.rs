//! How each mutation begins and ends: `request_id` and `validate_only` are read here, and the answer is encoded here,
//! because the same request with the same `request_id` gets the same bytes again.

use prost::Message;
use rollcall_app::{Answer, Caller, Changed, MutationContext, requests::RequestKey};
use rollcall_auth::Principal;
use rollcall_domain::Violation;
use sha2::{Digest as _, Sha256};
use tonic::{Response, Status};
use uuid::{Builder, Uuid};

use crate::{access, checks::Checks, requests::MutationRequest, status::to_status};

/// A mutation whose request is valid.
pub(crate) struct Mutation {
    caller: Caller,
}

impl Mutation {
    /// Parses a request of type `Q`, and returns the mutation with the input that `parse_input` has parsed. The closure must
    /// run all its checks before the first `?`, so that no violation is lost.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, or `INVALID_ARGUMENT` with every violation that the closure has found.
    pub(crate) fn parse<Q: MutationRequest, I>(
        request: Q,
        parse_input: impl FnOnce(Q, &mut Checks) -> Option<I>,
    ) -> Result<(Self, I), Status> {
        let mut checks = Checks::default();
        let actor = access::actor();
        let id = checks.take("request_id", parse_request_id(request.request_id())).flatten();
        let request_key = id.map(|id| {
            let digest = Sha256::new().chain_update(Q::METHOD).chain_update([0]).chain_update(request.encode_to_vec());
            RequestKey { id, kept_as: kept_as(&actor, id), fingerprint: digest.finalize().to_vec() }
        });
        let caller = Caller {
            actor,
            method: Q::METHOD,
            trace_id: crate::layers::trace_id(),
            validate_only: request.validate_only(),
            request: request_key,
            run: None,
        };
        let input = parse_input(request, &mut checks);
        Ok((Self { caller }, checks.finish_request(input)?))
    }

    /// Adds the rows of a stream to the fingerprint of the request.
    pub(crate) fn with_rows(mut self, rows: RowsDigest) -> Self {
        if let Some(request) = &mut self.caller.request {
            request.fingerprint.extend(rows.finish());
            request.fingerprint = Sha256::digest(&request.fingerprint).to_vec();
        }
        self
    }

    /// Calls a use case and renders its answer. A repeated request gets the answer of the first one.
    ///
    /// # Errors
    /// The status of the error.
    pub(crate) async fn run<T, M: Message + Default>(
        self,
        use_case: impl AsyncFnOnce(&MutationContext<'_, T>) -> rollcall_app::Result<Answer<T>>,
        render: impl Fn(&Changed<T>) -> M + Send + Sync,
    ) -> Result<Response<M>, Status> {
        let context = MutationContext::new(self.caller, |changed| render(changed).encode_to_vec());
        let message = match use_case(&context).await.map_err(to_status)? {
            Answer::New(changed) => render(&changed),
            Answer::Repeated(bytes) => {
                M::decode(bytes.as_slice()).map_err(|error| to_status(rollcall_app::Error::Internal(error.into())))?
            }
        };
        Ok(Response::new(message))
    }
}

/// A digest of the rows of a stream. It does not depend on how the rows are divided into messages. Without a
/// `request_id` nothing is digested.
pub(crate) struct RowsDigest(Option<[Sha256; 4]>);

impl RowsDigest {
    pub(crate) fn new(request_id: &str) -> Self {
        Self((!request_id.is_empty()).then(Default::default))
    }

    /// Adds rows of one of four kinds.
    pub(crate) fn add(&mut self, kind: usize, rows: &[impl Message]) {
        if let Some(digests) = &mut self.0 {
            rows.iter().for_each(|row| digests[kind].update(row.encode_length_delimited_to_vec()));
        }
    }

    fn finish(self) -> Vec<u8> {
        self.0.into_iter().flatten().flat_map(Sha256::finalize).collect()
    }
}

/// Returns the id under which the response of a request is kept. Two callers with the same `request_id` get two ids, so
/// neither sees the response of the other. The id of an anonymous caller stays as it is.
fn kept_as(actor: &str, id: Uuid) -> Uuid {
    if *actor == *Principal::anonymous().name {
        return id;
    }
    let digest = Sha256::new().chain_update(actor).chain_update([0]).chain_update(id).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

fn parse_request_id(id: &str) -> Result<Option<Uuid>, Violation> {
    if id.is_empty() {
        return Ok(None);
    }
    let description = || format!("`{id}` is not a UUID; make a new one for each request");
    Uuid::try_parse(id).map(Some).map_err(|_| Violation::invalid("", description()))
}

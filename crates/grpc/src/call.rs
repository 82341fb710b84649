//! How each RPC begins and ends. A handler parses its request (`parse`, `parse_read`, `PageTokens::parse_list` or
//! `Mutation::parse`), calls its use case, and renders the answer (`respond` or `Mutation::run`).

use prost::Message;
use tonic::{Request, Response, Status};

use crate::{budgets, checks::Checks, requests::ReadRequest, status::to_status};

/// Parses a request that has no common fields.
///
/// # Errors
/// `PERMISSION_DENIED`, or `INVALID_ARGUMENT` with every violation that the closure has found.
pub(crate) fn parse<Q, I>(request: Request<Q>, parse: impl FnOnce(Q, &mut Checks) -> Option<I>) -> Result<I, Status> {
    let mut checks = Checks::default();
    let input = parse(request.into_inner(), &mut checks);
    checks.finish_request(input)
}

/// Parses a read, and returns what the closure has parsed with the oldest revision that the caller accepts.
///
/// # Errors
/// `PERMISSION_DENIED`, or `INVALID_ARGUMENT` with every violation.
pub(crate) fn parse_read<Q: ReadRequest, I>(
    request: Request<Q>,
    parse: impl FnOnce(Q, &mut Checks) -> Option<I>,
) -> Result<(I, Option<i64>), Status> {
    let mut request = request.into_inner();
    let token = request.take_at_least_revision();
    let mut checks = Checks::default();
    let input = parse(request, &mut checks);
    let at_least = checks.revision("at_least_revision", &token);
    Ok((checks.finish_request(input)?, at_least))
}

/// Renders what a read has found, or its error, and reserves the memory of the answer.
///
/// # Errors
/// The status of the error, or `OVERLOADED` when the server has no memory for the answer.
pub(crate) fn respond<T, M: Message>(
    found: rollcall_app::Result<T>,
    render: impl FnOnce(T) -> M,
) -> Result<Response<M>, Status> {
    let answer = render(found.map_err(to_status)?);
    budgets::reserve_answer(answer.encoded_len())?;
    Ok(Response::new(answer))
}

//! The first thing that happens to a call: its caller is authenticated, and the role of the RPC is checked. Until then
//! nothing of the request's messages is read, and the call has no place in the budgets.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, request::Parts};
use rollcall_auth::{Principal, VerifiedToken};
use tonic::{Status, body::Body, transport::server::TcpConnectInfo};
use tower::{Layer, Service};

use super::{
    AccessControl, CallRights,
    credentials::Credentials,
    expiry::{end_request, end_response},
    methods::{MethodRule, is_open},
    status,
};

/// Wraps a service so that only callers reach it who may.
#[derive(Clone, Debug)]
pub(crate) struct AccessLayer(pub(crate) AccessControl);

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> AccessService<S> {
        AccessService { inner, control: self.0.clone() }
    }
}

/// A service wrapped by [`AccessLayer`].
#[derive(Clone, Debug)]
pub(crate) struct AccessService<S> {
    inner: S,
    control: AccessControl,
}

/// A call whose caller is known and has the role.
struct AdmittedCall {
    principal: Arc<Principal>,
    /// The token that a stream ends with.
    token: Option<Arc<VerifiedToken>>,
    rule: Option<MethodRule>,
}

impl<S> Service<Request<Body>> for AccessService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if is_open(request.uri().path()) {
            return Box::pin(self.inner.call(request));
        }
        let control = self.control.clone();
        let mut inner = self.inner.clone();
        std::mem::swap(&mut inner, &mut self.inner);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let AdmittedCall { principal, token, rule } = match control.admit(&parts).await {
                Ok(admitted) => admitted,
                Err(refused) => return Ok(refused.into_http()),
            };
            parts.extensions.insert(CallRights { principal, control });
            let expiry = |streams: bool| token.as_ref().filter(|_| streams).map(|token| token.expires_in());
            let body = match expiry(rule.is_some_and(|rule| rule.client_streaming)) {
                Some(after) => end_request(body, after),
                None => body,
            };
            let response = inner.call(Request::from_parts(parts, body)).await?;
            Ok(match expiry(rule.is_some_and(|rule| rule.server_streaming)) {
                Some(after) => response.map(|body| end_response(body, after)),
                None => response,
            })
        })
    }
}

impl AccessControl {
    /// Authenticates the caller and checks the role.
    async fn admit(&self, parts: &Parts) -> Result<AdmittedCall, Status> {
        let (path, rule) = (parts.uri.path(), self.0.methods.find(parts.uri.path()));
        let Some(authenticator) = &self.0.authenticator else {
            // The router answers a call of an RPC that does not exist.
            return Ok(AdmittedCall { principal: self.0.anonymous.clone(), token: None, rule: None });
        };
        let authenticated = match Credentials::of(&parts.headers, &parts.extensions) {
            Credentials::Token(token) => match authenticator.verify(token).await {
                Ok(token) => Ok((token.principal().clone(), Some(token))),
                Err(rejection) => Err(status::rejected(rejection)),
            },
            Credentials::Certificate(names) => {
                let found = authenticator.find_certificate(names).map(|principal| (principal, None));
                found.ok_or_else(|| status::unauthenticated(status::UNKNOWN_CERTIFICATE, "Bearer"))
            }
            Credentials::Malformed(advice) => Err(status::unauthenticated(advice, "Bearer error=\"invalid_request\"")),
            Credentials::None => Err(status::unauthenticated(status::NO_CREDENTIALS, "Bearer")),
        };
        let (principal, token) = match authenticated {
            Ok(authenticated) => authenticated,
            Err(refusal) => {
                self.refuse_call(refusal, parts, "")?;
                (self.0.anonymous.clone(), None)
            }
        };
        match rule {
            Some(rule) if principal.roles.contains(rule.role) => {}
            Some(rule) => self.refuse_call(status::lacks_role(rule.role), parts, &principal.name)?,
            None => self.refuse_call(status::has_no_role(), parts, &principal.name)?,
        }
        tracing::trace!(path, principal = &*principal.name, "a call is admitted");
        Ok(AdmittedCall { principal, token: token.filter(|_| self.0.enforced), rule })
    }

    /// Refuses a call, with its RPC and the caller's address in the log.
    fn refuse_call(&self, refusal: Status, parts: &Parts, principal: &str) -> Result<(), Status> {
        let address = parts.extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        self.log(&refusal, principal, parts.uri.path(), &address);
        if self.0.enforced { Err(refusal) } else { Ok(()) }
    }

    /// Refuses a call for its organization. The span of the call names its RPC.
    pub(super) fn refuse(&self, refusal: Status, principal: &str) -> Result<(), Status> {
        self.log(&refusal, principal, "", "");
        if self.0.enforced { Err(refusal) } else { Ok(()) }
    }

    fn log(&self, refusal: &Status, principal: &str, rpc: &str, address: &str) {
        let Some(left_out) = self.0.log.take() else { return };
        let (code, message) = (refusal.code(), refusal.message());
        if self.0.enforced {
            tracing::info!(?code, principal, rpc, address, left_out, "a call is refused: {message}");
        } else {
            tracing::warn!(?code, principal, rpc, address, left_out, "a call would be refused: {message}");
        }
    }
}

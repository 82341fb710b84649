//! A mutation: who asks for it and how, and the rule that a repeated request gets the response of the first one
//! (api.md, AIP-155). The response is kept in the transaction of the change.

use rollcall_domain::{OrganizationId, Plan, names};
use rollcall_store::{
    SystemConn, TxBody, WriteOptions, WriteTx,
    audit::{AuditEvent, Document},
    requests::{self, Recalled, RequestKey},
};

use crate::{App, Error, Result, Warning};

/// Who asks for a change, and how: what the audit keeps of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who asks.
    pub actor: String,
    /// The RPC or the job.
    pub method: &'static str,
    /// The trace that the call is part of.
    pub trace_id: Option<String>,
    /// Whether everything is checked and nothing is written.
    pub validate_only: bool,
    /// The idempotency key, if the caller gives one.
    pub request: Option<RequestKey>,
    /// The name of the run that makes the change, for a change of many organizations. Audit events name it.
    pub run: Option<String>,
}

impl Caller {
    /// A job that acts on its own.
    #[must_use]
    pub fn job(name: &'static str) -> Self {
        Self { actor: names::job(name), method: name, trace_id: None, validate_only: false, request: None, run: None }
    }

    pub(crate) fn event(&self, draft: AuditDraft) -> AuditEvent {
        let after = match &self.run {
            Some(run) => draft.after.map(|after| after.with_field("run", run)),
            None => draft.after,
        };
        AuditEvent {
            actor: self.actor.clone(),
            method: self.method,
            resource: draft.resource,
            request_id: self.request.as_ref().map(|request| request.id),
            trace_id: self.trace_id.clone(),
            before: draft.before,
            after,
        }
    }
}

/// What the audit keeps of a change, apart from the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDraft {
    /// The name of the changed resource.
    pub resource: String,
    /// What changes, as it was; absent for what is new.
    pub before: Option<Document>,
    /// What changes, as it is afterwards, with what the caller asked for; absent for what is deleted.
    pub after: Option<Document>,
}

/// The response of a change.
#[derive(Clone, Debug)]
pub struct Changed<T> {
    /// The resource after the call; with `validate_only`, as it would be.
    pub value: T,
    /// With `validate_only`: what would be written.
    pub preview: Option<Plan>,
    /// The organization's revision after the call.
    pub revision: i64,
    /// What the caller should know about the change.
    pub warnings: Vec<Warning>,
}

/// How a change was answered.
#[derive(Debug)]
pub enum Answer<T> {
    /// The change was made, or would be.
    New(Box<Changed<T>>),
    /// The same request was made before. These bytes are the response of that time.
    Repeated(Vec<u8>),
}

/// A call of a mutation.
pub struct MutationContext<'a, T> {
    /// Who asks, and how.
    pub caller: Caller,
    /// Makes the response that is kept for the idempotency key. Only the transport knows how.
    encode: Encode<'a, T>,
}

type Encode<'a, T> = Box<dyn Fn(&Changed<T>) -> Vec<u8> + Send + Sync + 'a>;

impl<'a, T> MutationContext<'a, T> {
    /// The context of a call whose response is encoded by `encode` when it has to be kept.
    pub fn new(caller: Caller, encode: impl Fn(&Changed<T>) -> Vec<u8> + Send + Sync + 'a) -> Self {
        Self { caller, encode: Box::new(encode) }
    }

    /// The response of the same request, if it was made before.
    pub(crate) async fn recall(&self, tx: &mut WriteTx) -> Result<Option<Answer<T>>> {
        let Some(key) = &self.caller.request else { return Ok(None) };
        repeated(key, requests::recall(tx, key).await?)
    }

    /// Keeps the response for the idempotency key, if there is one.
    pub(crate) async fn remember(&self, tx: &mut WriteTx, changed: Changed<T>) -> Result<Answer<T>> {
        if let Some(key) = self.to_be_kept() {
            requests::remember(tx, key, &(self.encode)(&changed)).await?;
        }
        Ok(Answer::New(Box::new(changed)))
    }

    async fn recall_system(&self, conn: &mut SystemConn) -> Result<Option<Answer<T>>> {
        let Some(key) = &self.caller.request else { return Ok(None) };
        repeated(key, requests::recall_system(conn, key).await?)
    }

    async fn remember_system(&self, conn: &mut SystemConn, changed: Changed<T>) -> Result<Answer<T>> {
        if let Some(key) = self.to_be_kept() {
            requests::remember_system(conn, key, &(self.encode)(&changed)).await?;
        }
        Ok(Answer::New(Box::new(changed)))
    }

    /// The idempotency key under which the response is kept. A call with `validate_only` changes nothing, so its response
    /// is not kept, and the same request may follow without `validate_only`.
    fn to_be_kept(&self) -> Option<&RequestKey> {
        self.caller.request.as_ref().filter(|_| !self.caller.validate_only)
    }
}

fn repeated<T>(key: &RequestKey, recalled: Recalled) -> Result<Option<Answer<T>>> {
    match recalled {
        Recalled::New => Ok(None),
        Recalled::Same(response) => Ok(Some(Answer::Repeated(response))),
        Recalled::Other => Err(Error::RequestIdReused(key.id)),
    }
}

impl App {
    /// Runs a change of one organization in its transaction, once for each idempotency key. For changes that plan in their
    /// own way, such as the settings migration; the others go through [`App::change`].
    pub(crate) async fn once<T, F>(
        &self,
        context: &MutationContext<'_, T>,
        organization: &OrganizationId,
        options: impl Into<WriteOptions>,
        body: F,
    ) -> Result<Answer<T>>
    where
        T: Send + Sync,
        for<'t> F: TxBody<&'t mut WriteTx, Result<Changed<T>>, Fut: Send> + Clone + Send + Sync,
    {
        self.db
            .write(organization, options, async |tx: &mut WriteTx| {
                if let Some(answer) = context.recall(tx).await? {
                    return Ok(answer);
                }
                let changed = body.clone()(tx).await?;
                context.remember(tx, changed).await
            })
            .await
    }

    /// Runs a change that belongs to no existing organization, once for each idempotency key. No lock is held while the key
    /// is looked up. Therefore a change that fails is tried again: the same request may have been made a moment ago.
    pub(crate) async fn once_system<T, F>(
        &self,
        context: &MutationContext<'_, T>,
        name: &'static str,
        body: F,
    ) -> Result<Answer<T>>
    where
        T: Send + Sync,
        for<'t> F: TxBody<&'t mut SystemConn, Result<Changed<T>>, Fut: Send> + Clone + Send + Sync,
    {
        let mut retries = usize::from(context.caller.request.is_some());
        loop {
            let answered = self.db.system(name, async |conn: &mut SystemConn| {
                if let Some(answer) = context.recall_system(conn).await? {
                    return Ok(answer);
                }
                let changed = body.clone()(conn).await?;
                context.remember_system(conn, changed).await
            });
            match answered.await {
                Err(_) if retries > 0 => retries -= 1,
                answered => return answered,
            }
        }
    }
}

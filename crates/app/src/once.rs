//! Changes that are made once, however often they are asked for: the response is kept in the
//! transaction of the change, and the same request gets it again (api.md, AIP-155).

use std::ops::Deref;

use rollcall_domain::OrganizationId;
use rollcall_store::{
    SystemConn, TxBody, WriteTx,
    requests::{self, Recalled, RequestKey},
};

use crate::{App, Caller, Changed, Error, Result};

/// A change as somebody asks for it.
pub struct Call<'a, T> {
    caller: Caller,
    /// Makes the bytes that are answered of what was changed. Only the transport knows how.
    encode: Encode<'a, T>,
}

type Encode<'a, T> = Box<dyn Fn(&Changed<T>) -> Vec<u8> + Send + Sync + 'a>;

/// What a change answers.
#[derive(Debug)]
pub enum Answer<T> {
    /// It was made, or would be.
    Made(Changed<T>),
    /// The same request was made before: the bytes that were answered then.
    Repeated(Vec<u8>),
}

impl<T> Deref for Call<'_, T> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<'a, T> Call<'a, T> {
    /// A call whose answer is encoded like this when it has to be kept.
    pub fn new(caller: Caller, encode: impl Fn(&Changed<T>) -> Vec<u8> + Send + Sync + 'a) -> Self {
        Self { caller, encode: Box::new(encode) }
    }

    async fn recall(&self, tx: &mut WriteTx) -> Result<Option<Answer<T>>> {
        let Some(key) = &self.request else { return Ok(None) };
        repeated(key, requests::recall(tx, key).await?)
    }

    async fn remember(&self, tx: &mut WriteTx, changed: Changed<T>) -> Result<Answer<T>> {
        if let Some(key) = self.to_be_kept() {
            requests::remember(tx, key, &(self.encode)(&changed)).await?;
        }
        Ok(Answer::Made(changed))
    }

    /// As [`App::change`] does it for one organization, for what is asked above all of them.
    async fn recall_above(&self, conn: &mut SystemConn) -> Result<Option<Answer<T>>> {
        let Some(key) = &self.request else { return Ok(None) };
        repeated(key, requests::recall_system(conn, key).await?)
    }

    /// As [`App::change`] does it for one organization, for what is asked above all of them.
    async fn remember_above(&self, conn: &mut SystemConn, changed: Changed<T>) -> Result<Answer<T>> {
        if let Some(key) = self.to_be_kept() {
            requests::remember_system(conn, key, &(self.encode)(&changed)).await?;
        }
        Ok(Answer::Made(changed))
    }

    /// What is only checked is not made: it may be asked for again, or in earnest.
    fn to_be_kept(&self) -> Option<&RequestKey> {
        self.request.as_ref().filter(|_| !self.validate_only)
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
    /// Changes one organization, once: every use case that changes one goes through here.
    pub(crate) async fn change<T, F>(
        &self,
        call: &Call<'_, T>,
        organization: &OrganizationId,
        name: &'static str,
        body: F,
    ) -> Result<Answer<T>>
    where
        T: Send + Sync,
        for<'t> F: TxBody<&'t mut WriteTx, Result<Changed<T>>, Fut: Send> + Clone + Send + Sync,
    {
        self.db
            .write(organization, name, async |tx: &mut WriteTx| {
                if let Some(answer) = call.recall(tx).await? {
                    return Ok(answer);
                }
                let changed = body.clone()(tx).await?;
                call.remember(tx, changed).await
            })
            .await
    }

    /// As [`App::change`], for what is asked above all organizations. Nothing is locked before the request is looked
    /// for: where it fails, the same one may have been made a moment ago.
    pub(crate) async fn change_above<T, F>(&self, call: &Call<'_, T>, name: &'static str, body: F) -> Result<Answer<T>>
    where
        T: Send + Sync,
        for<'t> F: TxBody<&'t mut SystemConn, Result<Changed<T>>, Fut: Send> + Clone + Send + Sync,
    {
        match self.try_change_above(call, name, body.clone()).await {
            Err(_) if call.request.is_some() => self.try_change_above(call, name, body).await,
            answered => answered,
        }
    }

    async fn try_change_above<T, F>(&self, call: &Call<'_, T>, name: &'static str, body: F) -> Result<Answer<T>>
    where
        T: Send + Sync,
        for<'t> F: TxBody<&'t mut SystemConn, Result<Changed<T>>, Fut: Send> + Clone + Send + Sync,
    {
        self.db
            .system(name, async |conn: &mut SystemConn| {
                if let Some(answer) = call.recall_above(conn).await? {
                    return Ok(answer);
                }
                let changed = body.clone()(conn).await?;
                call.remember_above(conn, changed).await
            })
            .await
    }
}

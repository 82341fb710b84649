//! An issuer with its keys. The keys are read in the background, and when a token names an unknown key. They are kept while
//! the issuer is away.

use std::{
    error::Error as _,
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};

use jsonwebtoken::jwk::Jwk;
use reqwest::Client;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use crate::{
    authenticator::RefreshTimes,
    config::IssuerConfig,
    discovery,
    rejection::TokenRejection,
    token::{IssuerKey, TokenHead},
};

/// The first and the longest pause after keys could not be read.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// The keys that an issuer has published; `None` until they were read for the first time.
type Keys = Option<Arc<[Arc<IssuerKey>]>>;

/// An issuer whose tokens are accepted.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) config: IssuerConfig,
    client: Client,
    times: RefreshTimes,
    keys: RwLock<Keys>,
    /// When the keys were read last, or could not be read.
    tried: Mutex<Option<Instant>>,
}

impl Issuer {
    /// Returns an issuer whose keys are read in the background until the value is dropped.
    ///
    /// # Errors
    /// The certificates of this machine cannot be read.
    pub(crate) fn start(config: IssuerConfig, times: RefreshTimes) -> reqwest::Result<Arc<Self>> {
        let client = discovery::client(&config.issuer)?;
        let issuer = Arc::new(Self { config, client, times, keys: RwLock::default(), tried: Mutex::default() });
        tokio::spawn(keep_fresh(Arc::downgrade(&issuer)));
        Ok(issuer)
    }

    /// Returns the key that the header of a token names. If the key is unknown, the keys are read again, unless they were
    /// read a short time ago.
    ///
    /// # Errors
    /// The issuer has no such key, or its keys could not be read yet.
    pub(crate) async fn find_key(self: &Arc<Self>, head: &TokenHead) -> Result<Arc<IssuerKey>, TokenRejection> {
        if let Some(found) = self.keys().and_then(|keys| head.find_key(&keys)) {
            return Ok(found);
        }
        // In a task of its own, because a caller that gives up must not end the read for others.
        let issuer = self.clone();
        let reading = tokio::spawn(async move { issuer.refresh_if_due().await });
        let _ = reading.await;
        let keys = self.keys().ok_or(TokenRejection::IssuerUnavailable)?;
        head.find_key(&keys).ok_or(TokenRejection::UnknownKey)
    }

    fn keys(&self) -> Keys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn refresh_if_due(&self) {
        let mut tried = self.tried.lock().await;
        if tried.is_none_or(|tried| tried.elapsed() >= self.times.unknown_key) {
            *tried = Some(Instant::now());
            self.refresh().await;
        }
    }

    /// Reads the keys, and returns whether that was possible.
    async fn refresh(&self) -> bool {
        match discovery::list_keys(&self.client, &self.config.issuer).await {
            Ok(published) => {
                self.replace_keys(published);
                true
            }
            Err(error) => {
                let mut text = error.to_string();
                let mut cause = error.source();
                while let Some(error) = cause {
                    text = format!("{text}: {error}");
                    cause = error.source();
                }
                tracing::warn!(issuer = self.config.issuer, error = text, "the keys of an issuer cannot be read");
                false
            }
        }
    }

    /// Replaces the keys. A key that is published again stays the same value, so that its verified tokens are remembered;
    /// the tokens of the others are forgotten.
    fn replace_keys(&self, published: Vec<Jwk>) {
        let old = self.keys().unwrap_or_default();
        let keep = |jwk: Jwk| {
            let same = old.iter().find(|key| key.is(&jwk)).cloned();
            same.or_else(|| IssuerKey::of(jwk).map(Arc::new))
        };
        let keys: Arc<[_]> = published.into_iter().filter_map(keep).collect();
        if keys.is_empty() {
            tracing::warn!(issuer = self.config.issuer, "an issuer has published no key that can verify tokens");
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }
}

/// Reads the keys of an issuer again and again, until the issuer is dropped.
async fn keep_fresh(issuer: Weak<Issuer>) {
    let mut retry = RETRY_MIN;
    while let Some(issuer) = issuer.upgrade() {
        let mut tried = issuer.tried.lock().await;
        *tried = Some(Instant::now());
        let read = issuer.refresh().await;
        drop(tried);
        let pause = if read { issuer.times.periodic } else { retry };
        retry = if read { RETRY_MIN } else { RETRY_MAX.min(retry * 2) };
        drop(issuer);
        sleep(pause).await;
    }
}

//! Authenticates callers by their tokens and certificates. A verified token is remembered by its hash until it expires, so
//! that a call does not pay for a signature.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use jsonwebtoken::get_current_timestamp;
use quick_cache::sync::Cache;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    certificate::{CertificateNames, CertificateRule, find_principal},
    claims::to_principal,
    config::AuthConfig,
    issuer::Issuer,
    principal::Principal,
    rejection::TokenRejection,
    token::{self, IssuerKey, LEEWAY, TOKEN_MAX, TokenHead},
};

/// How many verified tokens are remembered.
const TOKENS_MAX: usize = 10_000;

/// How often the keys of an issuer are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshTimes {
    /// The least time between the last read and one because of an unknown key.
    pub unknown_key: Duration,
    /// The time between two reads in the background.
    pub periodic: Duration,
}

impl Default for RefreshTimes {
    fn default() -> Self {
        Self { unknown_key: Duration::from_secs(60), periodic: Duration::from_secs(600) }
    }
}

/// A token whose signature and claims were verified.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    principal: Arc<Principal>,
    /// The last second in which the token is accepted, since 1970.
    expires: u64,
    /// Gone when the issuer no longer publishes the key.
    key: Weak<IssuerKey>,
}

impl VerifiedToken {
    /// Returns the caller.
    #[must_use]
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Returns how long the token is still accepted.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs((self.expires + 1).saturating_sub(get_current_timestamp()))
    }

    fn is_valid(&self) -> bool {
        !self.expires_in().is_zero() && self.key.strong_count() > 0
    }
}

/// Authenticates callers as a configuration says.
#[derive(Debug)]
pub struct Authenticator {
    issuers: Vec<Arc<Issuer>>,
    certificates: Vec<CertificateRule>,
    verified: Cache<[u8; 32], Arc<VerifiedToken>>,
}

impl Authenticator {
    /// Starts to read the keys of the issuers in the background. It must run in a tokio runtime.
    ///
    /// # Errors
    /// The certificates of this machine, with which issuers are verified, cannot be read.
    pub fn start(config: AuthConfig, times: RefreshTimes) -> Result<Self, reqwest::Error> {
        let issuers =
            config.issuers.into_iter().map(|issuer| Issuer::start(issuer, times)).collect::<Result<_, _>>()?;
        let certificates = config.certificates.into_iter().map(CertificateRule::new).collect();
        Ok(Self { issuers, certificates, verified: Cache::new(TOKENS_MAX) })
    }

    /// Returns a token that was verified before and is still valid. It is cheap.
    #[must_use]
    pub fn find_verified(&self, token: &str) -> Option<Arc<VerifiedToken>> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let hash = hash_of(token);
        let known = self.verified.get(&hash)?;
        if known.is_valid() {
            return Some(known);
        }
        self.verified.remove(&hash);
        None
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// Why the token is refused.
    pub async fn verify(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenRejection> {
        if let Some(known) = self.find_verified(token) {
            return Ok(known);
        }
        let head = TokenHead::read(token)?;
        let named = token::named_issuer(token)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.config.issuer == named).ok_or(TokenRejection::Issuer)?;
        let allowed = issuer.config.algorithms.as_ref();
        if allowed.is_some_and(|allowed| !allowed.contains(&head.algorithm())) {
            return Err(TokenRejection::Algorithm);
        }
        let key = issuer.find_key(&head).await?;
        let accepted = (issuer.config.issuer.as_str(), issuer.config.audiences.as_slice());
        let claims = token::verify(token, &key, head.algorithm(), accepted)?;
        let verified = VerifiedToken {
            principal: Arc::new(to_principal(&issuer.config, &claims)?),
            expires: expiry_of(&claims).ok_or(TokenRejection::Claims)?,
            key: Arc::downgrade(&key),
        };
        let verified = Arc::new(verified);
        self.verified.insert(hash_of(token), verified.clone());
        Ok(verified)
    }

    /// Returns the principal of a client certificate whose chain was verified; `None` if none is configured for it.
    #[must_use]
    pub fn find_certificate(&self, names: &CertificateNames) -> Option<Arc<Principal>> {
        find_principal(&self.certificates, names)
    }
}

/// Returns the last second in which a token is accepted.
fn expiry_of(claims: &Value) -> Option<u64> {
    let exp = claims.get("exp")?;
    // The verification has rounded a fraction in the same way.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the verification has checked the range"
    )]
    let exp = exp.as_u64().or_else(|| Some(exp.as_f64()?.round() as u64))?;
    exp.checked_add(LEEWAY)
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

//! Verifies a JWT with the keys of its issuer.

use std::sync::Arc;

use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation, decode, decode_header,
    errors::{Error, ErrorKind},
    jwk::{Jwk, PublicKeyUse},
};
use serde_json::Value;

use crate::rejection::TokenRejection;

/// The accepted algorithms. Each verifies with a public key.
pub(crate) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How much the clocks of an issuer and of this server may differ, in seconds.
pub(crate) const LEEWAY: u64 = 30;

/// The longest token, in bytes.
pub(crate) const TOKEN_MAX: usize = 8 << 10;

/// A public key of an issuer.
#[derive(Debug)]
pub(crate) struct IssuerKey {
    jwk: Jwk,
    key: DecodingKey,
}

impl IssuerKey {
    /// Returns the key of a JWK; `None` for a key that is not for signatures, has no `kid`, or is no public key.
    pub(crate) fn of(jwk: Jwk) -> Option<Self> {
        let signs = jwk.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let public = ALGORITHMS.iter().any(|algorithm| algorithm.family() == key.family());
        (signs && public && jwk.common.key_id.is_some()).then_some(Self { jwk, key })
    }

    /// Returns whether the key is the same as a published one.
    pub(crate) fn is(&self, jwk: &Jwk) -> bool {
        self.jwk == *jwk
    }

    /// Returns whether the key is the one that a header names, and is for the header's algorithm.
    fn fits(&self, kid: &str, algorithm: Algorithm) -> bool {
        let declared = self.jwk.common.key_algorithm;
        self.jwk.common.key_id.as_deref() == Some(kid)
            && self.key.family() == algorithm.family()
            && declared.is_none_or(|declared| declared.to_string().parse() == Ok(algorithm))
    }
}

/// What a token says about itself before its signature is verified.
pub(crate) struct TokenHead {
    kid: String,
    algorithm: Algorithm,
}

impl TokenHead {
    /// Reads the header of a token.
    ///
    /// # Errors
    /// The header is malformed, or has an algorithm that is not accepted.
    pub(crate) fn read(token: &str) -> Result<Self, TokenRejection> {
        if token.len() > TOKEN_MAX {
            return Err(TokenRejection::TooLarge);
        }
        if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(TokenRejection::Malformed);
        }
        let Header { kid, alg, crit, .. } = decode_header(token).map_err(|error| match error.kind() {
            // A name that the library does not know, such as `none`.
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => TokenRejection::Algorithm,
            _ => TokenRejection::Malformed,
        })?;
        if !ALGORITHMS.contains(&alg) {
            return Err(TokenRejection::Algorithm);
        }
        match (kid, crit) {
            (Some(kid), None) => Ok(Self { kid, algorithm: alg }),
            _ => Err(TokenRejection::Header),
        }
    }

    /// Returns the key that the header names.
    pub(crate) fn find_key(&self, keys: &[Arc<IssuerKey>]) -> Option<Arc<IssuerKey>> {
        keys.iter().find(|key| key.fits(&self.kid, self.algorithm)).cloned()
    }

    /// Returns the algorithm of the header.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Returns the issuer that a token names, before its signature is verified.
pub(crate) fn named_issuer(token: &str) -> Result<String, TokenRejection> {
    #[derive(serde::Deserialize)]
    struct Named {
        iss: String,
    }
    let named: Result<Named, _> = jsonwebtoken::dangerous::insecure_decode_claims(token);
    named.map(|named| named.iss).map_err(|_| TokenRejection::Claims)
}

/// Verifies a token, and returns its claims.
pub(crate) fn verify(
    token: &str,
    key: &IssuerKey,
    algorithm: Algorithm,
    (issuer, audiences): (&str, &[String]),
) -> Result<Value, TokenRejection> {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_issuer(&[issuer]);
    validation.set_audience(audiences);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    decode(token, &key.key, &validation).map(|token| token.claims).map_err(|error| to_rejection(&error))
}

fn to_rejection(error: &Error) -> TokenRejection {
    match error.kind() {
        ErrorKind::ExpiredSignature => TokenRejection::Expired,
        ErrorKind::ImmatureSignature => TokenRejection::NotYetValid,
        ErrorKind::InvalidIssuer => TokenRejection::Issuer,
        ErrorKind::InvalidAudience => TokenRejection::Audience,
        ErrorKind::InvalidAlgorithm => TokenRejection::Algorithm,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
            TokenRejection::Claims
        }
        _ => TokenRejection::Signature,
    }
}

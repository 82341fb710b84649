//! Why a token is refused.

/// Why a token is refused. The text is for the caller. It repeats nothing of the token and of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRejection {
    /// The text is no signed JWT.
    #[error("the token is no signed JWT; send an access token of a configured issuer")]
    Malformed,
    /// The token is larger than 8 KiB.
    #[error("the token is larger than 8 KiB; ask the issuer to put fewer claims into tokens for Rollcall")]
    TooLarge,
    /// The algorithm is not accepted: `none`, a symmetric one, or one that does not fit the key.
    #[error(
        "the token's algorithm is not accepted; let the issuer sign tokens with RS256, ES256 or another public-key algorithm"
    )]
    Algorithm,
    /// The header has no `kid`, or parameters that must be understood (`crit`).
    #[error(
        "the token's header has no `kid`, or it has `crit`; send a token that names its key and needs no extensions"
    )]
    Header,
    /// No configured issuer has made the token.
    #[error("the token is of an issuer that this server does not accept; get one from a configured issuer")]
    Issuer,
    /// The issuer has published no such key.
    #[error("the issuer has not published the token's key; get a new token")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong; get a new token")]
    Signature,
    /// The token is for another service.
    #[error("the token is for another audience; get a token for the audience that is configured for Rollcall")]
    Audience,
    /// The token has expired.
    #[error("the token has expired; get a new token")]
    Expired,
    /// The token is not valid yet.
    #[error("the token is not valid yet; compare the clocks of the issuer and of this server")]
    NotYetValid,
    /// A claim that every token needs is absent or malformed.
    #[error("the token lacks `iss`, `aud` or `exp`, or one of its claims is malformed; get a token that has them")]
    Claims,
    /// The subject cannot be used as a name.
    #[error("the token's `sub` is absent, longer than 255 bytes, or not printable; get a token with a usable subject")]
    Subject,
    /// The issuer's keys have not been read yet.
    #[error("the keys of the token's issuer cannot be read now; try again later")]
    IssuerUnavailable,
}

impl TokenRejection {
    /// Returns whether the same token may be accepted later.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        self == Self::IssuerUnavailable
    }
}

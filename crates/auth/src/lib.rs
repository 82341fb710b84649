//! Says who a caller is: turns a JWT of an OpenID Connect issuer, or the names in a verified client certificate, into a
//! [`Principal`] with its roles and its organizations. It knows no RPC and no transport.

mod authenticator;
mod certificate;
mod claims;
mod config;
mod discovery;
mod issuer;
mod principal;
mod rejection;
mod token;

pub use authenticator::{Authenticator, RefreshTimes, VerifiedToken};
pub use certificate::CertificateNames;
pub use config::{AuthConfig, ConfigError};
pub use principal::{CallerRole, CallerRoles, OrganizationGrant, Principal};
pub use rejection::TokenRejection;

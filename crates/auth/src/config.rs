//! The configuration file: which issuers and which client certificates are accepted, and what their callers may do. The
//! file is JSON. An error names the field and says what to write.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use url::{Host, Url};

use crate::{
    claims::ClaimPath,
    principal::{CallerRole, OrganizationGrant, is_printable},
    token::ALGORITHMS,
};

/// The longest name of an issuer or a certificate, in bytes.
const NAME_MAX: usize = 64;

/// The largest configuration file, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Who may call, as the operator has configured it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    #[serde(default)]
    pub(crate) issuers: Vec<IssuerConfig>,
    #[serde(default)]
    pub(crate) certificates: Vec<CertificateGrant>,
}

/// An OpenID Connect issuer whose tokens are accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerConfig {
    /// The first part of the principals' names.
    #[serde(default)]
    pub(crate) name: String,
    /// The claim `iss`, which is also where the discovery document is.
    #[serde(default)]
    pub(crate) issuer: String,
    /// The accepted values of the claim `aud`.
    #[serde(default)]
    pub(crate) audiences: Vec<String>,
    /// The claim whose values give roles.
    #[serde(default)]
    pub(crate) roles_claim: String,
    /// The roles that a value of the claim gives. Without it, the values are names of roles.
    pub(crate) roles: Option<BTreeMap<String, Vec<CallerRole>>>,
    /// The claim whose values are ids of organizations.
    #[serde(default)]
    pub(crate) organizations_claim: String,
    /// The value of the claim that stands for all organizations.
    pub(crate) all_organizations_value: Option<String>,
    /// The accepted algorithms, if not all that Rollcall knows.
    pub(crate) algorithms: Option<Vec<Algorithm>>,
}

/// What the owner of a client certificate may do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateGrant {
    pub(crate) uri: Option<String>,
    pub(crate) dns_name: Option<String>,
    pub(crate) subject: Option<String>,
    /// The second part of the principal's name.
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) roles: Vec<CallerRole>,
    #[serde(default)]
    organizations: Vec<Box<str>>,
    #[serde(default)]
    all_organizations: bool,
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no JSON, or has a field of the wrong type.
    #[error("{field}: {problem}")]
    Format {
        /// The place in the file.
        field: String,
        /// What is wrong there.
        problem: String,
    },
    /// Values are wrong. Each text names a field and says what to write.
    #[error("{}", .0.join("; "))]
    Values(Vec<String>),
}

impl AuthConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or its configuration is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::File { path: path.to_owned(), source };
        let size = fs::metadata(path).map_err(unreadable)?.len();
        if size > FILE_MAX {
            return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
        }
        Self::parse(&fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// The configuration is wrong.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let parsed: Result<Self, _> = serde_path_to_error::deserialize(&mut json);
        let config = parsed.map_err(|error| {
            let field = error.path().to_string();
            ConfigError::Format { field, problem: error.into_inner().to_string() }
        })?;
        json.end().map_err(|error| ConfigError::Format { field: ".".to_owned(), problem: error.to_string() })?;
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(ConfigError::Values(problems)) }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.issuers.is_empty() && self.certificates.is_empty() {
            problems.push(
                "issuers, certificates: give at least one issuer or certificate; without them, every call is refused"
                    .to_owned(),
            );
        }
        let names: BTreeSet<_> = self.issuers.iter().map(|issuer| &issuer.name).collect();
        let urls: BTreeSet<_> = self.issuers.iter().map(|issuer| &issuer.issuer).collect();
        if names.len() < self.issuers.len() || urls.len() < self.issuers.len() {
            problems.push("issuers: give each issuer another `name` and another `issuer`".to_owned());
        }
        for (index, issuer) in self.issuers.iter().enumerate() {
            problems.extend(issuer.problems().map(|problem| format!("issuers[{index}].{problem}")));
        }
        for (index, grant) in self.certificates.iter().enumerate() {
            problems.extend(grant.problems().map(|problem| format!("certificates[{index}]{problem}")));
        }
        problems
    }
}

impl IssuerConfig {
    fn problems(&self) -> impl Iterator<Item = String> {
        let empty_audience = self.audiences.is_empty() || self.audiences.iter().any(String::is_empty);
        let empty_all = self.all_organizations_value.as_ref().is_some_and(String::is_empty);
        let algorithms = self.algorithms.as_deref().unwrap_or(&ALGORITHMS);
        let allowed = !algorithms.is_empty() && algorithms.iter().all(|algorithm| ALGORITHMS.contains(algorithm));
        let rules = [
            (
                !is_name(&self.name) || self.name == "certificate",
                "name: give a short name for the audit, such as \"corp\", of letters, digits, `-` and `_`; \
                 `certificate` is taken",
            ),
            (
                !is_issuer(&self.issuer),
                "issuer: give the issuer's https:// URL, exactly as in the claim `iss`, such as \
                 \"https://login.corp.example/realms/staff\"; http:// is accepted for this machine only",
            ),
            (
                empty_audience,
                "audiences: give the values of the claim `aud` in tokens for Rollcall, such as [\"rollcall\"]",
            ),
            (
                !ClaimPath::is_valid(&self.roles_claim),
                "roles_claim: give the name of the claim with the roles, such as \"roles\", or a JSON pointer such as \
                 \"/realm_access/roles\"",
            ),
            (
                !ClaimPath::is_valid(&self.organizations_claim),
                "organizations_claim: give the name of the claim with the ids of organizations, such as \
                 \"rollcall_organizations\", or a JSON pointer",
            ),
            (
                empty_all,
                "all_organizations_value: give the value that stands for all organizations, such as \"*\", or leave the \
                 field out",
            ),
            (
                !allowed,
                "algorithms: give some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA, or leave the \
                 field out for all of them; HS256 and its like are refused, because their keys are no public keys",
            ),
        ];
        rules.into_iter().filter(|(wrong, _)| *wrong).map(|(_, problem)| problem.to_owned())
    }
}

impl CertificateGrant {
    /// Returns the organizations of the grant.
    pub(crate) fn organizations(&self) -> OrganizationGrant {
        if self.all_organizations {
            OrganizationGrant::All
        } else {
            OrganizationGrant::Named(self.organizations.iter().cloned().collect())
        }
    }

    fn problems(&self) -> impl Iterator<Item = String> {
        let given: Vec<&String> = [&self.uri, &self.dns_name, &self.subject].into_iter().flatten().collect();
        let one = given.len() == 1 && !given[0].is_empty();
        let rules = [
            (
                !one,
                ": give exactly one of `uri` (such as \"spiffe://corp.example/crm-sync\"), `dns_name` and `subject`",
            ),
            (!is_name(&self.name), ".name: give a short name for the audit, such as \"crm-sync\""),
            (self.roles.is_empty(), ".roles: give roles, such as [\"EXPORT_CHECKER\"]"),
            (
                self.all_organizations != self.organizations.is_empty(),
                ".organizations: give ids of organizations, such as [\"acme\"], or `\"all_organizations\": true`, and not \
                 both",
            ),
        ];
        rules.into_iter().filter(|(wrong, _)| *wrong).map(|(_, problem)| problem.to_owned())
    }
}

fn is_name(name: &str) -> bool {
    is_printable(name, NAME_MAX) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        plain && url.password().is_none() && (url.scheme() == "https" || is_local(&url))
    })
}

/// Returns whether a URL is an `http://` URL of this machine.
pub(crate) fn is_local(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && loopback
}

//! Maps the names in a verified client certificate to a principal.

use std::sync::Arc;

use crate::{config::CertificateGrant, principal::Principal};

/// The names in a client certificate whose chain was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames {
    /// The URIs of the subject's alternative names, such as `spiffe://corp.example/crm-sync`.
    pub uris: Vec<String>,
    /// The DNS names of the subject's alternative names.
    pub dns_names: Vec<String>,
    /// The subject as RFC 4514 writes it, such as `CN=crm-sync,O=Corp`.
    pub subject: String,
}

/// A grant of the configuration: the certificate that it is for, and its principal.
#[derive(Clone, Debug)]
pub(crate) struct CertificateRule {
    grant: CertificateGrant,
    principal: Arc<Principal>,
}

impl CertificateRule {
    /// Returns the rule of a grant that was checked.
    pub(crate) fn new(grant: CertificateGrant) -> Self {
        let principal = Principal {
            name: format!("certificate:{}", grant.name).into(),
            roles: grant.roles.iter().copied().collect(),
            organizations: grant.organizations(),
        };
        Self { grant, principal: Arc::new(principal) }
    }

    fn matches(&self, names: &CertificateNames) -> bool {
        let CertificateGrant { uri, dns_name, subject, .. } = &self.grant;
        // A SPIFFE certificate with several URIs must be refused.
        let is_uri = uri.as_ref().is_some_and(|uri| names.uris.as_slice() == [uri.as_str()]);
        let is_dns_name =
            dns_name.as_ref().is_some_and(|name| names.dns_names.iter().any(|it| it.eq_ignore_ascii_case(name)));
        let is_subject = subject.as_ref().is_some_and(|subject| *subject == names.subject);
        is_uri || is_dns_name || is_subject
    }
}

/// Returns the principal of the first rule that a certificate matches.
pub(crate) fn find_principal(rules: &[CertificateRule], names: &CertificateNames) -> Option<Arc<Principal>> {
    rules.iter().find(|rule| rule.matches(names)).map(|rule| rule.principal.clone())
}

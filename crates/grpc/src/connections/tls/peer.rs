//! The names in the certificate of a client.

use rollcall_auth::CertificateNames;
use x509_cert::{
    Certificate,
    der::{self, Decode as _},
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// Returns the names in a client's certificate, which TLS has verified: the URIs and the DNS names in the order of the
/// certificate, and the subject as RFC 4514 writes it, with escapes.
///
/// # Errors
/// The certificate cannot be parsed.
pub(super) fn parse_names(certificate: &[u8]) -> Result<CertificateNames, der::Error> {
    let certificate = Certificate::from_der(certificate)?.tbs_certificate;
    let names = certificate.get::<SubjectAltName>()?.map(|(_critical, names)| names.0).unwrap_or_default();
    let (mut uris, mut dns_names) = (vec![], vec![]);
    for name in names {
        match name {
            GeneralName::UniformResourceIdentifier(uri) => uris.push(uri.to_string()),
            GeneralName::DnsName(name) => dns_names.push(name.to_string()),
            _ => {}
        }
    }
    Ok(CertificateNames { uris, dns_names, subject: certificate.subject.to_string() })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    use super::*;

    fn parsed(names: &[(DnType, &str)], alternatives: Vec<SanType>) -> CertificateNames {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.subject_alt_names = alternatives;
        parse_names(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der()).unwrap()
    }

    #[test]
    fn names_are_read_in_the_order_of_the_certificate() {
        let alternatives = vec![
            SanType::DnsName("sync.example".try_into().unwrap()),
            SanType::URI("spiffe://example/sync".try_into().unwrap()),
            SanType::IpAddress([127, 0, 0, 1].into()),
            SanType::URI("https://example/".try_into().unwrap()),
        ];
        let names = [(DnType::OrganizationName, "Example"), (DnType::CommonName, "hr-sync")];
        let expected = CertificateNames {
            uris: vec!["spiffe://example/sync".to_owned(), "https://example/".to_owned()],
            dns_names: vec!["sync.example".to_owned()],
            subject: "CN=hr-sync,O=Example".to_owned(),
        };
        assert_eq!(parsed(&names, alternatives), expected);
    }

    #[test]
    fn a_name_cannot_look_like_two_names() {
        let subject = parsed(&[(DnType::CommonName, "a,O=Example")], vec![]).subject;
        assert_eq!(subject, r"CN=a\,O=Example");
        assert_eq!(parsed(&[], vec![]), CertificateNames { uris: vec![], dns_names: vec![], subject: String::new() });
    }
}

//! Certificates for tests, of authorities that exist only in the test.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};

/// An authority that issues certificates.
pub struct TestAuthority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct TestCertificate {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl TestAuthority {
    /// Returns a new authority, which nobody else has.
    #[must_use]
    pub fn new() -> Self {
        let mut params = params("Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Returns the certificate of the authority, in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues the certificate of a server with these host names and addresses.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> TestCertificate {
        let named = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        let mut params = params("server");
        params.subject_alt_names = named.subject_alt_names;
        self.issue(&params)
    }

    /// Issues the certificate of a client with this common name and this URI.
    #[must_use]
    pub fn client(&self, name: &str, uri: &str) -> TestCertificate {
        let mut params = params(name);
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        self.issue(&params)
    }

    /// Issues the certificate of a client that has expired.
    #[must_use]
    pub fn expired_client(&self, name: &str) -> TestCertificate {
        let mut params = params(name);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> TestCertificate {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        TestCertificate { certificate, key: key.serialize_pem() }
    }
}

impl Default for TestAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl TestCertificate {
    /// Writes the certificate and the key to a directory, under the names that Kubernetes uses, and returns their paths.
    pub fn write(&self, dir: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (dir.join("tls.crt"), dir.join("tls.key"));
        std::fs::write(&certificate, &self.certificate).unwrap();
        std::fs::write(&key, &self.key).unwrap();
        (certificate, key)
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

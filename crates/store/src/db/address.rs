//! The address of a database: a `postgres://` URL, whose options of TLS mean what they mean for libpq.

use std::{path::PathBuf, str::FromStr};

use percent_encoding::percent_decode_str;
use tokio_postgres::{Config, config::SslMode};

use super::tls::{DatabaseTls, Roots, Verify};

/// How to connect to a database.
#[derive(Clone)]
pub(crate) struct DatabaseAddress {
    pub(super) config: Config,
    pub(super) tls: DatabaseTls,
}

/// The options of TLS in a URL.
#[derive(Default)]
struct TlsOptions {
    mode: Option<String>,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl FromStr for DatabaseAddress {
    type Err = String;

    /// Parses a URL. The driver does not know the options of TLS except for three values of `sslmode`.
    fn from_str(url: &str) -> Result<Self, String> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut given = TlsOptions::default();
        let mut others = vec![];
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let slot = match name {
                "sslmode" => &mut given.mode,
                "sslrootcert" => &mut given.roots,
                "sslcert" => &mut given.certificate,
                "sslkey" => &mut given.key,
                "sslcrl" | "sslcrldir" | "sslpassword" => {
                    return Err(format!("{name} is not supported; remove it"));
                }
                _ => {
                    others.push(option);
                    continue;
                }
            };
            let value = percent_decode_str(value).decode_utf8().map_err(|_| format!("{name} is no text in UTF-8"))?;
            *slot = Some(value.into_owned());
        }
        let url = if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) };
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| super::connect::text_of(&error))?;
        let (mode, tls) = given.parse()?;
        config.ssl_mode(mode);
        Ok(Self { config, tls })
    }
}

impl TlsOptions {
    fn parse(self) -> Result<(SslMode, DatabaseTls), String> {
        let roots = self.roots.filter(|path| !path.is_empty()).map(|path| match path.as_str() {
            "system" => Roots::System,
            _ => Roots::File(PathBuf::from(path)),
        });
        let (mode, verify) = match (self.mode.as_deref().unwrap_or("prefer"), roots) {
            ("disable", _) => (SslMode::Disable, Verify::Nothing),
            ("prefer", _) => (SslMode::Prefer, Verify::Nothing),
            ("require", None) => (SslMode::Require, Verify::Nothing),
            // As libpq does it: who names an authority wants it to be checked.
            ("require" | "verify-ca", Some(Roots::File(path))) => (SslMode::Require, Verify::Authority(path)),
            ("require" | "verify-ca", _) => {
                let advice = "name the file of the authority's certificate, or give sslmode=verify-full";
                return Err(format!(
                    "without the host name, everybody's certificate is valid: sslrootcert must {advice}"
                ));
            }
            ("verify-full", roots) => (SslMode::Require, Verify::Host(roots.unwrap_or(Roots::System))),
            (other, _) => {
                let known = "disable, prefer, require, verify-ca or verify-full";
                return Err(format!("sslmode is {other:?}; give {known}"));
            }
        };
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((PathBuf::from(certificate), PathBuf::from(key))),
            (None, None) => None,
            _ => return Err("sslcert and sslkey belong together; give both, or none".to_owned()),
        };
        Ok((mode, DatabaseTls { enabled: mode != SslMode::Disable, verify, identity }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(options: &str) -> Result<(SslMode, Verify), String> {
        let address: DatabaseAddress = format!("postgres://ann:secret@db.example/rollcall?{options}").parse()?;
        assert_eq!(address.config.get_dbname(), Some("rollcall"));
        Ok((address.config.get_ssl_mode(), address.tls.verify))
    }

    #[test]
    fn the_options_mean_what_they_mean_for_libpq() {
        let file = || PathBuf::from("/a b.crt");
        for (options, expected) in [
            ("", (SslMode::Prefer, Verify::Nothing)),
            ("sslmode=disable", (SslMode::Disable, Verify::Nothing)),
            ("sslmode=prefer&application_name=x", (SslMode::Prefer, Verify::Nothing)),
            ("sslmode=require", (SslMode::Require, Verify::Nothing)),
            ("sslmode=require&sslrootcert=/a%20b.crt", (SslMode::Require, Verify::Authority(file()))),
            ("sslrootcert=/a%20b.crt&sslmode=verify-ca", (SslMode::Require, Verify::Authority(file()))),
            ("sslmode=verify-full&sslrootcert=/a%20b.crt", (SslMode::Require, Verify::Host(Roots::File(file())))),
            ("sslmode=verify-full&sslrootcert=system", (SslMode::Require, Verify::Host(Roots::System))),
            ("sslmode=verify-full", (SslMode::Require, Verify::Host(Roots::System))),
        ] {
            assert_eq!(parsed(options), Ok(expected), "{options}");
        }
    }

    #[test]
    fn options_that_would_protect_nothing_are_refused() {
        for (options, text) in [
            ("sslmode=full", "give disable, prefer, require, verify-ca or verify-full"),
            ("sslmode=verify-ca", "everybody's certificate is valid"),
            ("sslmode=require&sslrootcert=system", "everybody's certificate is valid"),
            ("sslmode=require&sslcert=/a", "sslcert and sslkey belong together"),
            ("sslcrl=/a", "sslcrl is not supported"),
            ("sslmodus=require", "unknown option `sslmodus`"),
        ] {
            let refused = parsed(options).unwrap_err();
            assert!(refused.contains(text), "{options}: {refused}");
        }
    }
}

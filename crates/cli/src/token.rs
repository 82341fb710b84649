//! The access token that a command sends with each call.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use url::{Host, Url};

use crate::error::{Error, Result};

/// What a command shows to the server that it calls.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CredentialArguments {
    /// The file with the access token that commands send to the server at --target. It is read for each call, so another
    /// program can replace the token [default: no token is sent]
    #[arg(long, value_name = "FILE", env = "ROLLCALL_TOKEN_FILE", global = true)]
    pub token_file: Option<PathBuf>,
}

/// A channel whose calls have the token.
pub(crate) type AuthorizedChannel = InterceptedService<Channel, TokenFile>;

/// The file with the token, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct TokenFile(Option<Arc<Path>>);

impl TokenFile {
    /// Returns the file for calls of a server.
    ///
    /// # Errors
    /// Others could read the token on its way, or the file has no token.
    pub(crate) fn open(file: Option<&Path>, target: &Url) -> Result<Self> {
        let Some(file) = file else { return Ok(Self(None)) };
        if target.scheme() != "https" && !is_this_machine(target) {
            return Err(Error::usage(format!(
                "--token-file (ROLLCALL_TOKEN_FILE) is given, but the token is sent only over TLS or to this machine: give \
                 a --target that begins with https://, or leave out the token for {target}"
            )));
        }
        read_token(file).map_err(Error::doing(cannot_read(file)))?;
        Ok(Self(Some(file.into())))
    }
}

impl Interceptor for TokenFile {
    fn call(&mut self, mut request: Request<()>) -> std::result::Result<Request<()>, Status> {
        if let Some(file) = &self.0 {
            let token =
                read_token(file).map_err(|error| Status::unauthenticated(format!("{}: {error}", cannot_read(file))))?;
            request.metadata_mut().insert("authorization", token);
        }
        Ok(request)
    }
}

fn cannot_read(file: &Path) -> String {
    format!("cannot read the token of --token-file (ROLLCALL_TOKEN_FILE) in {}", file.display())
}

/// Returns the value of the header with the token.
fn read_token(file: &Path) -> io::Result<MetadataValue<Ascii>> {
    let text = fs::read_to_string(file)?;
    let token = text.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let value = is_token.then(|| format!("Bearer {token}").parse().ok()).flatten();
    let mut value: MetadataValue<Ascii> =
        value.ok_or_else(|| io::Error::other("it must contain one token and nothing else"))?;
    // It does not show in logs.
    value.set_sensitive(true);
    Ok(value)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(file: &Path, target: &str) -> Result<TokenFile> {
        TokenFile::open(Some(file), &Url::parse(target).unwrap())
    }

    fn sent(file: &mut TokenFile) -> Option<String> {
        let request = file.call(Request::new(())).ok()?;
        request.metadata().get("authorization").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_replaced_token_is_sent() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "first\n").unwrap();
        let mut token = open(file.path(), "http://127.0.0.1:1").unwrap();
        assert_eq!(sent(&mut token).as_deref(), Some("Bearer first"));
        fs::write(&file, "second").unwrap();
        assert_eq!(sent(&mut token).as_deref(), Some("Bearer second"));
        fs::remove_file(file.path()).unwrap();
        assert!(token.call(Request::new(())).unwrap_err().message().contains("cannot read the token"));
    }

    #[test]
    fn a_token_is_sent_only_over_tls_or_to_this_machine() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "token").unwrap();
        for good in ["https://rollcall.example", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(open(file.path(), good).is_ok(), "{good}");
        }
        for bad in ["http://rollcall.example", "http://10.0.0.1:1", "http://localhost.example", "http://[fe80::1]:1"] {
            assert!(matches!(open(file.path(), bad), Err(Error::Usage(_))), "{bad}");
        }
    }

    #[test]
    fn a_file_has_one_token() {
        for bad in ["", " \n", "a b", "a\nb", "é"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(&file, bad).unwrap();
            assert!(open(file.path(), "http://localhost:1").is_err(), "{bad:?}");
        }
        assert!(open("/nowhere/token".as_ref(), "http://localhost:1").is_err());
    }
}

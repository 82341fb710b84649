//! The settings that say who may call, and the check that nobody can reach a server without authentication from elsewhere.

use std::net::SocketAddr;

use rollcall_auth::{AuthConfig, Authenticator, RefreshTimes};
use rollcall_grpc::AccessControl;

use crate::error::{Error, Result};

/// Who may call.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AuthSettings {
    /// Whether calls need credentials. `log-only` logs the calls that `required` would refuse, and answers them; `off` is
    /// only for a server on 127.0.0.1 [default: required with --auth-config, else off]
    #[arg(long = "auth", value_name = "MODE", env = "ROLLCALL_AUTH", value_enum, global = true)]
    mode: Option<AuthMode>,

    /// The JSON file that says which issuers and client certificates are accepted, and what their callers may do
    #[arg(long = "auth-config", value_name = "FILE", env = "ROLLCALL_AUTH_CONFIG", value_parser = auth_config,
          global = true)]
    config: Option<AuthConfig>,
}

/// Whether calls need credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum AuthMode {
    /// Calls without credentials are refused.
    #[value(help = None)]
    Required,
    /// Calls that would be refused are logged.
    #[value(help = None)]
    LogOnly,
    /// Every caller may do everything.
    #[value(help = None)]
    Off,
}

impl AuthSettings {
    /// The settings of a server that only this process calls, on 127.0.0.1.
    pub(crate) fn off() -> Self {
        Self { mode: Some(AuthMode::Off), config: None }
    }

    /// Checks the settings of a server at this address.
    ///
    /// # Errors
    /// Others could call without credentials, or the configuration of the callers is absent.
    pub(crate) fn check(&self, listen: SocketAddr) -> Result {
        match (self.mode(), &self.config) {
            (AuthMode::Off, _) if !listen.ip().is_loopback() => Err(Error::usage(format!(
                "--listen (ROLLCALL_LISTEN) is {listen}, which other machines may reach, and authentication is off: give \
                 --auth-config (ROLLCALL_AUTH_CONFIG) with the callers, or listen on 127.0.0.1; see \"Who may call\" in \
                 docs/operations.md"
            ))),
            (AuthMode::Required | AuthMode::LogOnly, None) => Err(Error::usage(
                "--auth (ROLLCALL_AUTH) needs the callers: give --auth-config (ROLLCALL_AUTH_CONFIG), or --auth off on \
                 127.0.0.1; see \"Who may call\" in docs/operations.md",
            )),
            _ => Ok(()),
        }
    }

    /// Opens the control of a server at this address, and logs what it does. It must run in a tokio runtime.
    ///
    /// # Errors
    /// As [`AuthSettings::check`]. The certificates of this machine cannot be read.
    pub(crate) fn open(&self, listen: SocketAddr) -> Result<AccessControl> {
        self.check(listen)?;
        let (AuthMode::Required | AuthMode::LogOnly, Some(config)) = (self.mode(), &self.config) else {
            tracing::info!("authentication is off: everybody on this machine may do everything, as `anonymous`");
            return Ok(AccessControl::off());
        };
        let started = Authenticator::start(config.clone(), RefreshTimes::default());
        let authenticator = started.map_err(Error::doing("cannot verify the certificates of issuers"))?;
        if self.mode() == AuthMode::LogOnly {
            tracing::warn!("--auth is log-only: calls that `required` would refuse are logged and answered");
            return Ok(AccessControl::log_only(authenticator));
        }
        Ok(AccessControl::required(authenticator))
    }

    fn mode(&self) -> AuthMode {
        let default = if self.config.is_some() { AuthMode::Required } else { AuthMode::Off };
        self.mode.unwrap_or(default)
    }
}

fn auth_config(text: &str) -> std::result::Result<AuthConfig, String> {
    let advice = |error| format!("give a file as \"Who may call\" in docs/operations.md describes it: {error}");
    AuthConfig::read(text.as_ref()).map_err(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(mode: Option<AuthMode>, callers: bool) -> AuthSettings {
        AuthSettings { mode, config: callers.then(AuthConfig::default) }
    }

    #[test]
    fn a_server_that_others_reach_has_authentication() {
        let accepted = |mode, callers, listen: &str| settings(mode, callers).check(listen.parse().unwrap()).is_ok();
        for here in ["127.0.0.1:50051", "127.9.9.9:1", "[::1]:50051"] {
            assert!(accepted(None, false, here) && accepted(Some(AuthMode::Off), true, here), "{here}");
        }
        for elsewhere in ["0.0.0.0:50051", "[::]:50051", "10.0.0.1:50051", "[::ffff:10.0.0.1]:1"] {
            let off = [(None, false), (Some(AuthMode::Off), false), (Some(AuthMode::Off), true)];
            assert!(off.into_iter().all(|(mode, callers)| !accepted(mode, callers, elsewhere)), "{elsewhere}");
            let on = [None, Some(AuthMode::Required), Some(AuthMode::LogOnly)];
            assert!(on.into_iter().all(|mode| accepted(mode, true, elsewhere)), "{elsewhere}");
        }
        assert!(!accepted(Some(AuthMode::Required), false, "127.0.0.1:50051"));
        assert!(!accepted(Some(AuthMode::LogOnly), false, "127.0.0.1:50051"));
    }

    #[test]
    fn the_example_of_the_documentation_is_a_configuration() {
        let page = include_str!("../../../../docs/operations.md");
        let start = page.find("<!-- A test parses this file. -->\n```json\n").unwrap();
        let example = page[start..].split("```").nth(1).unwrap().trim_start_matches("json");
        AuthConfig::parse(example).unwrap();
    }
}

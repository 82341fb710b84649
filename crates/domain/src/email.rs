//! Email addresses, lower-cased here and nowhere else.

use std::{fmt, sync::Arc};

use crate::{ids::check_text, refusal::Violation};

/// An address in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Email(Arc<str>);

impl Email {
    /// Takes an address in any case.
    ///
    /// # Errors
    /// A violation when it is not of the form `local@domain`, has white space or control
    /// characters, or more than 254 characters.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        check_text(text, "email", 1, 254)?;
        let parts = text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if parts.is_none() || text.contains(char::is_whitespace) {
            return Err(Violation::invalid(
                "",
                format!("`{text}` is not an email address such as name@company.example"),
            ));
        }
        Ok(Self(text.to_lowercase().into()))
    }

    /// Takes an address that was checked before, as it is stored.
    #[must_use]
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

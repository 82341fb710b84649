//! Email addresses, lower-cased here and nowhere else.

use std::{fmt, sync::Arc};

use crate::{Violation, ids::check_text};

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

    /// What is behind its `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a domain of email addresses, such as `company.example`, and lower-cases it.
///
/// # Errors
/// A violation when it is not of at least two labels of letters, digits and hyphens, or too long.
pub fn parse_domain(text: &str) -> Result<String, Violation> {
    let inner = |c: char| c.is_alphanumeric() || c == '-';
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    if text.len() <= 253 && text.contains('.') && text.split('.').all(label) {
        return Ok(text.to_lowercase());
    }
    Err(Violation::invalid("", format!("`{text}` is not a domain such as company.example")))
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! Email addresses, lower-cased here and nowhere else.

use std::{fmt, sync::Arc};

use email_address::{EmailAddress, Options};
use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};

use crate::{Violation, ids::check_text};

/// An address in lower case.
///
/// A stored address may be malformed, because older versions accepted more. It is never checked again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Email(Arc<str>);

impl Email {
    /// Takes an address in any case. ADR 33 says what an address is.
    ///
    /// # Errors
    /// A violation when it is not one address with a domain of at least two labels, or too long.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let email = Self::lower_case(text)?;
        email.check()?;
        Ok(email)
    }

    /// Takes text in any case that may be no address. The address of a stored member may be malformed, because it was
    /// accepted by an older version; a caller compares the text with it before `check`.
    ///
    /// # Errors
    /// A violation when it is empty, longer than 254 characters, or has control characters.
    pub fn lower_case(text: &str) -> Result<Self, Violation> {
        check_text(text, "email", 1, 254)?;
        Ok(Self(text.to_lowercase().into()))
    }

    /// Checks the form of the address.
    ///
    /// # Errors
    /// A violation when it is not one address with a domain of at least two labels.
    pub fn check(&self) -> Result<(), Violation> {
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        let quoted_or_spaced = self.0.contains(|c: char| c == '"' || c.is_whitespace());
        let address = EmailAddress::parse_with_options(&self.0, options);
        if quoted_or_spaced || address.is_err() || parse_domain(self.domain()).is_err() {
            return Err(Violation::invalid(
                "",
                format!("`{self}` is not an email address such as name@company.example"),
            ));
        }
        Ok(())
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

/// Checks a domain of email addresses, such as `company.example` or `bücher.example`, and lower-cases it.
///
/// # Errors
/// A violation when it is not an internet domain of at least two labels.
pub fn parse_domain(text: &str) -> Result<String, Violation> {
    let ascii = Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    if text.contains('.') && ascii.is_ok() {
        return Ok(text.to_lowercase());
    }
    Err(Violation::invalid("", format!("`{text}` is not a domain such as company.example")))
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

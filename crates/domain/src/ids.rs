//! Identifiers, each its own type, so that a group's id cannot stand where a member's is meant.

use std::{fmt, sync::Arc};

use crate::Violation;

/// The id of the assignment that every organization has and that is always last.
pub const DEFAULT_ASSIGNMENT: &str = "default";

const EXTERNAL_ID_MAX: usize = 255;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes an id that came from outside.
            ///
            /// # Errors
            /// A violation that says which characters are allowed.
            pub fn parse(text: &str) -> Result<Self, Violation> {
                $check(text, $what)?;
                Ok(Self(text.into()))
            }

            /// Takes an id that was checked before, as it is stored.
            #[must_use]
            pub fn trusted(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One customer company.
    OrganizationId, "organization id", check_slug
);
text_id!(
    /// An assignment of an organization.
    AssignmentId, "assignment id", check_slug
);
text_id!(
    /// A member's external id at the identity provider.
    MemberId, "member id", check_external_id
);
text_id!(
    /// A group's external id at the identity provider.
    GroupId, "group id", check_external_id
);

impl AssignmentId {
    /// The id of the default assignment.
    #[must_use]
    pub fn default_assignment() -> Self {
        Self::trusted(DEFAULT_ASSIGNMENT)
    }

    /// Whether it is the default assignment's id.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.as_str() == DEFAULT_ASSIGNMENT
    }
}

/// Checks an id that people choose: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`.
fn check_slug(text: &str, what: &str) -> Result<(), Violation> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(inner)
        && !text.ends_with('-');
    if fits {
        return Ok(());
    }
    Err(Violation::invalid(
        "",
        format!("the {what} `{text}` must be 1 to 63 of a-z, 0-9 and -, start with a letter and not end with -"),
    ))
}

/// Checks an id that another system chose, or that a caller repeats: any text without control characters.
pub(crate) fn check_external_id(text: &str, what: &str) -> Result<(), Violation> {
    check_text(text, what, 1, EXTERNAL_ID_MAX)
}

/// Checks that text has an allowed number of characters and none that would break a line or a
/// database: control characters are never part of a name.
///
/// # Errors
/// A violation without a field; the caller knows the field.
pub fn check_text(text: &str, what: &str, min: usize, max: usize) -> Result<(), Violation> {
    let length = text.chars().count();
    if !(min..=max).contains(&length) {
        return Err(Violation::invalid("", format!("the {what} must have {min} to {max} characters, not {length}")));
    }
    if text.chars().any(char::is_control) {
        return Err(Violation::invalid("", format!("the {what} must not have control characters")));
    }
    Ok(())
}

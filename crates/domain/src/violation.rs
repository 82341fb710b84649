//! Bad input: what is wrong with a field of a request. All violations of a request are reported at once.

/// How many ids one message names. An error must fit into a response's trailers.
pub(crate) const NAMED_MAX: usize = 20;

/// The kind of a [`Violation`]; its word is one of `ErrorReason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ViolationKind {
    /// Any bad input without a kind of its own.
    InvalidRequest,
    /// Data capture both asks for and prevents the same.
    ContradictoryDataCapture,
    /// A seat type that is not in the catalog.
    UnknownSeatType,
    /// A workspace or profile that is not in the catalog.
    UnknownPermissionProfile,
    /// A seat type whose prerequisite is not given.
    SeatPrerequisiteMissing,
    /// A value of email export is missing.
    EmailExportRequired,
    /// A field that only the identity provider changes.
    FieldOwnedByIdp,
}

/// One thing wrong with a request. All of a request's violations are reported at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the request; empty until it is placed with [`Violation::at`].
    pub field: String,
    /// The kind of bad input.
    pub kind: ViolationKind,
    /// What is wrong and what to do.
    pub description: String,
    /// The values that the description mentions.
    pub metadata: Vec<(&'static str, String)>,
}

impl Violation {
    /// A violation without a kind of its own.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(ViolationKind::InvalidRequest, field, description)
    }

    /// A violation of a kind.
    pub fn new(kind: ViolationKind, field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), kind, description: description.into(), metadata: Vec::new() }
    }

    /// The same violation with a value that the description mentions.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// The same violation below a field. An existing path becomes the tail of the new one.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = match (field.is_empty(), self.field.is_empty()) {
            (true, _) => self.field,
            (_, true) => field.to_owned(),
            _ => format!("{field}.{}", self.field),
        };
        self
    }
}

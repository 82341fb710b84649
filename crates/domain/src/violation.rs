//! Bad input: what is wrong with a field of a request. All violations of a request are reported at once.

/// How many ids one message names. An error must fit into a response's trailers.
pub(crate) const NAMED_MAX: usize = 20;

/// Which kind of bad input a [`Violation`] is; the words of `ErrorReason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ViolationKind {
    /// Anything that has no kind of its own.
    InvalidRequest,
    /// Data capture both asks for and prevents the same.
    ContradictoryDataCapture,
    /// A seat type that is not in the catalog.
    UnknownSeatType,
    /// A workspace or profile that is not in the catalog.
    UnknownPermissionProfile,
    /// A seat type whose prerequisite is not given.
    SeatPrerequisiteMissing,
    /// A value of email export is needed.
    EmailExportRequired,
    /// A field that only the identity provider changes.
    FieldOwnedByIdp,
}

/// One thing wrong with a request. All of a request's violations are reported at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the request; empty until a caller who knows it fills it in.
    pub field: String,
    /// What kind of bad input it is.
    pub kind: ViolationKind,
    /// What is wrong and what to do.
    pub description: String,
    /// The values that the description mentions.
    pub metadata: Vec<(&'static str, String)>,
}

impl Violation {
    /// A violation of no particular kind.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(ViolationKind::InvalidRequest, field, description)
    }

    /// A violation of a kind.
    pub fn new(kind: ViolationKind, field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), kind, description: description.into(), metadata: Vec::new() }
    }

    /// The same with a value that the description mentions.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// The same, at the given field path. A path that is there already becomes its tail.
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

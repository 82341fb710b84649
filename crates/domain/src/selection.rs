//! Which fields of a request an update takes (AIP-134, 161).

use std::collections::BTreeSet;

/// The fields that an update takes from its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldSelection {
    /// Every populated field: the request has no update mask. A field is populated if its value is not empty. The set has
    /// the paths, in snake case, of the fields that the request writes whatever their value: the contract gives them
    /// presence.
    Populated(BTreeSet<String>),
    /// Every field: the update mask has `*`.
    All,
    /// The named fields, as paths in snake case.
    Named(BTreeSet<String>),
}

impl FieldSelection {
    /// Whether the update takes a field: its mask names the field, or there is no mask and the field is populated.
    #[must_use]
    pub fn selects(&self, path: &str, populated: bool) -> bool {
        match self {
            Self::Populated(written) => populated || written.contains(path),
            Self::All => true,
            Self::Named(paths) => paths.contains(path),
        }
    }

    /// Whether the update names the field: by its mask, or without a mask by a field with presence.
    #[must_use]
    pub fn names(&self, path: &str) -> bool {
        self.selects(path, false)
    }

    /// Whether the update is for the whole resource: it has no mask, or the mask has `*`.
    #[must_use]
    pub fn covers_everything(&self) -> bool {
        !matches!(self, Self::Named(_))
    }
}

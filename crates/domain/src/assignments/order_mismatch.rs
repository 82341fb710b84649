//! How a requested order differs from an exact permutation of the listed assignments (product.md 2.1).

use std::{collections::BTreeSet, fmt};

use crate::{AssignmentId, violation::NAMED_MAX};

/// Why an order is not an exact permutation of the listed assignments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderMismatch {
    /// Listed, but not in the order.
    pub missing: BTreeSet<AssignmentId>,
    /// In the order, but not listed.
    pub unknown: BTreeSet<AssignmentId>,
    /// More than once in the order.
    pub repeated: BTreeSet<AssignmentId>,
}

impl OrderMismatch {
    /// Every id that the message mentions, by what is wrong with it.
    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        let named = |ids: &BTreeSet<AssignmentId>| named(ids, "", ",");
        let repeated = (!self.repeated.is_empty()).then(|| ("repeated", named(&self.repeated)));
        [("missing", named(&self.missing)), ("unknown", named(&self.unknown))].into_iter().chain(repeated).collect()
    }
}

impl fmt::Display for OrderMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = self.unknown.iter().any(AssignmentId::is_default);
        let unknown = if default { "unknown (the default one is always last)" } else { "unknown" };
        let sets = [("missing", &self.missing), (unknown, &self.unknown), ("there more than once", &self.repeated)];
        let sets = sets.iter().filter(|(_, ids)| !ids.is_empty());
        let parts: Vec<String> = sets.map(|(what, ids)| format!("{} {what}", named(ids, "`", ", "))).collect();
        f.write_str(&parts.join("; "))
    }
}

/// The first few ids, joined.
fn named(ids: &BTreeSet<AssignmentId>, quote: &str, separator: &str) -> String {
    let named: Vec<String> = ids.iter().take(NAMED_MAX).map(|id| format!("{quote}{id}{quote}")).collect();
    named.join(separator)
}

//! The limit on how many members one sync may deactivate or re-home (product.md 6).

/// A sync is refused when it deactivates or re-homes more members than both of these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MassChangeLimit {
    /// A number of members.
    pub members: u32,
    /// A share of the active members, in percent.
    pub percent: u32,
}

impl Default for MassChangeLimit {
    fn default() -> Self {
        Self { members: 50, percent: 10 }
    }
}

impl MassChangeLimit {
    /// Whether `touched` members are too many in an organization with `active` ones.
    #[must_use]
    pub fn is_exceeded(self, touched: u32, active: u32) -> bool {
        touched > self.members && u64::from(touched) * 100 > u64::from(self.percent) * u64::from(active)
    }
}

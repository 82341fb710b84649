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
    /// Returns how many active members must be counted at most to decide about up to `touched` members: with more
    /// active members, no such change exceeds the limit.
    #[must_use]
    pub fn active_members_to_count(self, touched: u32) -> u32 {
        if touched <= self.members {
            return 0;
        }
        let enough = (u64::from(touched) * 100).checked_div(self.percent.into()).unwrap_or_default() + 1;
        u32::try_from(enough).unwrap_or(u32::MAX)
    }

    /// Whether `touched` members are too many in an organization with `active` ones.
    #[must_use]
    pub fn is_exceeded(self, touched: u32, active: u32) -> bool {
        touched > self.members && u64::from(touched) * 100 > u64::from(self.percent) * u64::from(active)
    }
}

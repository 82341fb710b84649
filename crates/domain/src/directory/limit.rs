//! The limit on how many members one sync may deactivate or re-home (product.md 6).

/// A sync is refused when it deactivates or re-homes more members than both of these numbers. Whatever they are, it is also
/// refused for more than half of the active members of an organization that has at least five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MassChangeLimit {
    /// A number of members.
    pub members: u32,
    /// A share of the active members, in percent.
    pub percent: u32,
}

/// From this number of active members on, a sync may not touch more than half of them.
const HALF_APPLIES_FROM: u32 = 5;

impl Default for MassChangeLimit {
    fn default() -> Self {
        Self { members: 50, percent: 10 }
    }
}

impl MassChangeLimit {
    /// Returns how many active members must be counted at most to decide about up to `touched` members: with more
    /// active members, no such change exceeds a limit.
    #[must_use]
    pub fn active_members_to_count(self, touched: u32) -> u32 {
        if touched == 0 {
            return 0;
        }
        let half = touched.saturating_mul(2).max(HALF_APPLIES_FROM);
        if touched <= self.members {
            return half;
        }
        let enough = (u64::from(touched) * 100).checked_div(self.percent.into()).unwrap_or_default() + 1;
        u32::try_from(enough).unwrap_or(u32::MAX).max(half)
    }

    /// Returns the limit, in words, that `touched` members exceed in an organization with `active` ones.
    #[must_use]
    pub fn find_exceeded(self, touched: u32, active: u32) -> Option<String> {
        let (touched, active) = (u64::from(touched), u64::from(active));
        if touched > self.members.into() && touched * 100 > u64::from(self.percent) * active {
            return Some(format!("{} members and {} percent", self.members, self.percent));
        }
        let exceeds_half = active >= HALF_APPLIES_FROM.into() && touched * 2 > active;
        exceeds_half.then(|| "half of the active members".to_owned())
    }
}

//! The holders of an address over time (product.md 4.10).

use std::collections::BTreeMap;

use crate::{Email, MemberId, Timestamp};

/// The fact that a member began to hold an address. `M` is what is known about the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding<M> {
    /// The member.
    pub member: M,
    /// When the holding began, at the latest.
    pub begins: Timestamp,
    /// Whether the holding began at that time. False if it may have begun earlier.
    pub is_exact: bool,
}

/// Returns the member who held an address at a time, or who holds it now if there is no time. `holdings` are all holdings
/// of the address, the oldest first. The oldest one counts from "always" if it is exact: before it, no other member had
/// the address.
///
/// The result is `None` if there is no holding, or if the time is before a holding with an unknown beginning: the holder
/// at that time cannot be told, and nothing may be exported.
#[must_use]
pub fn find_holder<M>(holdings: &[Holding<M>], time: Option<Timestamp>) -> Option<&M> {
    let begun = time.map_or(holdings.len(), |time| holdings.partition_point(|holding| holding.begins <= time));
    let is_known = holdings.get(begun).is_none_or(|next| next.is_exact);
    is_known.then(|| holdings.get(begun.saturating_sub(1)))?.map(|holding| &holding.member)
}

/// A member as a write leaves the member, with the address and activation before the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressChange<'a> {
    /// The member.
    pub member: &'a MemberId,
    /// The address after the write.
    pub email: &'a Email,
    /// Whether the member is active after the write.
    pub active: bool,
    /// The address before the write, and whether the member was active; `None` for a new member.
    pub before: Option<(&'a Email, bool)>,
}

impl AddressChange<'_> {
    /// Whether the write gives the member the address, or makes the member active again with it.
    fn gains_address(&self) -> bool {
        self.before.is_none_or(|(email, active)| email != self.email || (self.active && !active))
    }
}

/// The addresses that one write gives to members. If it gives an address to several inactive members, the first one in
/// byte order counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressGains<'a> {
    active: BTreeMap<&'a Email, &'a MemberId>,
    inactive: BTreeMap<&'a Email, &'a MemberId>,
}

impl<'a> AddressGains<'a> {
    /// Collects the changes that give an address.
    pub fn of(changes: impl IntoIterator<Item = AddressChange<'a>>) -> Self {
        let mut gains = Self::default();
        for change in changes.into_iter().filter(AddressChange::gains_address) {
            let side = if change.active { &mut gains.active } else { &mut gains.inactive };
            side.entry(change.email)
                .and_modify(|member| *member = (*member).min(change.member))
                .or_insert(change.member);
        }
        gains
    }

    /// The addresses that an inactive member gets and no active one, in byte order.
    pub fn of_inactive(&self) -> impl Iterator<Item = &'a Email> {
        self.inactive.keys().copied().filter(|email| !self.active.contains_key(email))
    }

    /// Returns the addresses that members begin to hold, and those members. An inactive member does not begin to hold an
    /// address that an active member has after the write: `has_active_member` says this for [`AddressGains::of_inactive`].
    #[must_use]
    pub fn begin(self, has_active_member: impl Fn(&Email) -> bool) -> BTreeMap<&'a Email, &'a MemberId> {
        let mut begun = self.active;
        for (email, member) in self.inactive {
            if !begun.contains_key(email) && !has_active_member(email) {
                begun.insert(email, member);
            }
        }
        begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(second, 0).unwrap_or_default()
    }

    fn holding(member: &'static str, begins: i64) -> Holding<&'static str> {
        Holding { member, begins: at(begins), is_exact: true }
    }

    #[test]
    fn the_holder_is_the_last_member_who_began_to_hold_the_address() {
        let holdings = [holding("first", 10), holding("second", 20), holding("third", 20)];
        let cases = [
            (None, "third"),
            (Some(0), "first"),
            (Some(10), "first"),
            (Some(19), "first"),
            (Some(20), "third"),
            (Some(99), "third"),
        ];
        for (time, expected) in cases {
            assert_eq!(find_holder(&holdings, time.map(at)), Some(&expected), "{time:?}");
        }
        assert_eq!(find_holder::<&str>(&[], None), None);
    }

    #[test]
    fn before_an_unknown_beginning_nobody_holds_the_address() {
        let unknown = Holding { is_exact: false, ..holding("second", 20) };
        let holdings = [holding("first", 10), unknown.clone(), holding("third", 30)];
        let cases = [
            (Some(5), Some("first")),
            (Some(15), None),
            (Some(20), Some("second")),
            (Some(29), Some("second")),
            (None, Some("third")),
        ];
        for (time, expected) in cases {
            assert_eq!(find_holder(&holdings, time.map(at)).copied(), expected, "{time:?}");
        }
        let alone = [unknown];
        assert_eq!(find_holder(&alone, Some(at(19))), None);
        assert_eq!(find_holder(&alone, Some(at(20))), Some(&"second"));
        assert_eq!(find_holder(&alone, None), Some(&"second"));
    }

    /// A write leaves `member` with the address `a`. Before it, the member had the address `before`, if known.
    fn change<'a>(
        member: &'a MemberId,
        email: &'a Email,
        active: bool,
        before: Option<(&'a Email, bool)>,
    ) -> AddressChange<'a> {
        AddressChange { member, email, active, before }
    }

    #[test]
    fn a_new_address_and_a_return_begin_a_holding() {
        let (a, b) = (Email::trusted("a@x.example"), Email::trusted("b@x.example"));
        let (ada, bob) = (MemberId::trusted("ada"), MemberId::trusted("bob"));
        // The change, whether another active member has the address, and whether a holding begins.
        let cases = [
            ("new", change(&ada, &a, true, None), false, true),
            ("new and inactive", change(&ada, &a, false, None), false, true),
            ("new and inactive, address in use", change(&ada, &a, false, None), true, false),
            ("another address", change(&ada, &a, true, Some((&b, true))), false, true),
            ("inactive, another address", change(&ada, &a, false, Some((&b, false))), false, true),
            ("another name", change(&ada, &a, true, Some((&a, true))), false, false),
            ("leaves", change(&ada, &a, false, Some((&a, true))), false, false),
            ("leaves with another address", change(&ada, &a, false, Some((&b, true))), false, true),
            ("returns", change(&ada, &a, true, Some((&a, false))), false, true),
        ];
        for (name, change, in_use, begins) in cases {
            let begun = AddressGains::of([change]).begin(|_| in_use);
            assert_eq!(begun.contains_key(&a), begins, "{name}");
        }
        // An active member is before an inactive one, and the first inactive member is before the others.
        let both = [change(&ada, &a, false, None), change(&bob, &a, true, None)];
        assert_eq!(AddressGains::of(both).begin(|_| false).get(&a), Some(&&bob));
        let inactive = [change(&bob, &a, false, None), change(&ada, &a, false, None)];
        assert_eq!(AddressGains::of(inactive).begin(|_| false).get(&a), Some(&&ada));
    }
}

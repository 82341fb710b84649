//! The seat claims that a change begins or ends, computed from the members before and after, for every change of a
//! test.

use std::collections::BTreeMap;

use rollcall_domain::{MemberId, SettingsId, seats::Claimant};

use super::{Org, Person};

impl Org {
    /// Checks the claims of a change against the members before the change.
    pub(crate) fn check_claims(&self, before: &BTreeMap<MemberId, Person>, mut found: Vec<Claimant>) {
        found.sort_by(|a, b| a.member.cmp(&b.member));
        let claims = |person: Option<&Person>| -> Option<SettingsId> {
            person.filter(|person| person.active).map(|person| person.held.settings)
        };
        let claimants = self.people.iter().map(|(id, person)| Claimant {
            member: id.clone(),
            before: claims(before.get(id)),
            after: claims(Some(person)),
            assignment: person.held.assignment.clone(),
        });
        let changed: Vec<Claimant> = claimants.filter(|claimant| claimant.before != claimant.after).collect();
        assert_eq!(found, changed, "active members claim what they are given");
    }
}

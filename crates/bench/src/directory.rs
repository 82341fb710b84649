//! A generated directory of an organization. It is the same in every run and on every machine.

use rollcall_proto::v1::{DirectoryGroup, DirectoryMember, MemberStatus, Membership, SyncDirectoryRequest, SyncMode};

/// The index of the group that contains every member.
pub const EVERYONE: usize = 0;
/// The number of groups of a member, with the group of every member.
const GROUPS_OF_MEMBER: usize = 5;
/// The number of rows in a message.
const BATCH: usize = 1_000;

/// A pseudorandom number generator with a fixed seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is at most a few millions.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or_default()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Returns sorted ids in the form of an identity provider.
    fn ids(&mut self, prefix: &str, count: usize) -> Vec<String> {
        let mut ids: Vec<String> = (0..count).map(|_| format!("{prefix}{:016x}", self.next())).collect();
        ids.sort_unstable();
        ids
    }
}

/// The size of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The number of people.
    pub members: usize,
    /// The number of groups. Assignments contain half of the groups.
    pub groups: usize,
    /// The number of assignments. All have the same number of groups, and no group in common.
    pub assignments: usize,
}

impl Size {
    /// Returns 100,000 members and 1,000 groups, both multiplied by a factor, with a number of assignments.
    #[must_use]
    pub fn scaled(factor: f64, assignments: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let scaled = |count: usize| (count as f64 * factor).round() as usize;
        Self { members: scaled(100_000), groups: scaled(1_000).max(4 * assignments), assignments }
    }

    /// The number of groups of one assignment.
    fn groups_of_assignment(self) -> usize {
        self.groups / self.assignments / 2
    }
}

/// A person of the organization.
#[derive(Clone, Debug)]
pub struct Person {
    /// The external id.
    pub id: String,
    /// The email address, in lower case.
    pub email: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The job title; empty for some people.
    pub job_title: String,
    /// The address of the manager, who is an earlier person.
    pub manager_email: Option<String>,
    /// Whether the person is active, as about 95% of the people are.
    pub active: bool,
}

/// The whole directory, sorted by ids.
#[derive(Clone, Debug)]
pub struct SampleDirectory {
    /// The size.
    pub size: Size,
    /// All people.
    pub people: Vec<Person>,
    /// The ids and names of the groups.
    pub groups: Vec<(String, String)>,
    /// The memberships: the index of a person and the index of a group.
    pub memberships: Vec<(usize, usize)>,
}

impl SampleDirectory {
    /// Generates a directory.
    #[must_use]
    pub fn generate(size: Size) -> Self {
        let mut numbers = Numbers(20);
        let groups = numbers.ids("00g", size.groups).into_iter().enumerate();
        let groups = groups.map(|(place, id)| (id, format!("Department {place}"))).collect();
        let ids = numbers.ids("00u", size.members);
        let people = ids.into_iter().enumerate().map(|(place, id)| person(&mut numbers, place, id)).collect();
        let mut memberships = Vec::with_capacity(size.members * GROUPS_OF_MEMBER);
        for member in 0..size.members {
            let mut own = vec![EVERYONE];
            while own.len() < GROUPS_OF_MEMBER {
                let group = numbers.below(size.groups);
                if !own.contains(&group) {
                    own.push(group);
                }
            }
            own.sort_unstable();
            memberships.extend(own.into_iter().map(|group| (member, group)));
        }
        Self { size, people, groups, memberships }
    }

    /// Returns the ids of the groups of an assignment.
    pub fn groups_of_assignment(&self, index: usize) -> impl Iterator<Item = &str> {
        let count = self.size.groups_of_assignment();
        self.groups.iter().skip(EVERYONE + 1 + index * count).take(count).map(|(id, _)| id.as_str())
    }

    /// Returns the sync of the groups that the assignments need.
    #[must_use]
    pub fn named_groups(&self, parent: &str) -> SyncDirectoryRequest {
        let named = EVERYONE + 1 + self.size.assignments * self.size.groups_of_assignment();
        SyncDirectoryRequest {
            parent: parent.to_owned(),
            mode: SyncMode::Delta.into(),
            groups: self.groups.iter().take(named).map(group).collect(),
            ..Default::default()
        }
    }

    /// Returns the sync of one member, who enters only the group of every member.
    #[must_use]
    pub fn member_sync(&self, parent: &str, place: usize) -> SyncDirectoryRequest {
        let person = &self.people[place];
        let membership = Membership { group: self.groups[EVERYONE].0.clone(), member: person.id.clone() };
        SyncDirectoryRequest {
            parent: parent.to_owned(),
            mode: SyncMode::Delta.into(),
            members: vec![member(person)],
            memberships: vec![membership],
            ..Default::default()
        }
    }

    /// Returns the whole directory as a sync: options first, then rows in random order.
    #[must_use]
    pub fn full_sync(&self, parent: &str) -> Vec<SyncDirectoryRequest> {
        let mut numbers = Numbers(21);
        let mut people: Vec<&Person> = self.people.iter().collect();
        let mut memberships: Vec<&(usize, usize)> = self.memberships.iter().collect();
        numbers.shuffle(&mut people);
        numbers.shuffle(&mut memberships);
        let options =
            SyncDirectoryRequest { parent: parent.to_owned(), mode: SyncMode::Full.into(), ..Default::default() };
        let membership = |(member, group): &&(usize, usize)| Membership {
            group: self.groups[*group].0.clone(),
            member: self.people[*member].id.clone(),
        };
        let people = people.chunks(BATCH).map(|rows| SyncDirectoryRequest {
            members: rows.iter().map(|person| member(person)).collect(),
            ..Default::default()
        });
        let groups = self
            .groups
            .chunks(BATCH)
            .map(|rows| SyncDirectoryRequest { groups: rows.iter().map(group).collect(), ..Default::default() });
        let memberships = memberships.chunks(BATCH).map(|rows| SyncDirectoryRequest {
            memberships: rows.iter().map(membership).collect(),
            ..Default::default()
        });
        [options].into_iter().chain(people).chain(groups).chain(memberships).collect()
    }
}

fn person(numbers: &mut Numbers, place: usize, id: String) -> Person {
    const GIVEN: [&str; 8] = ["Ada", "Björn", "Chiara", "Dmitri", "Emeka", "Fatima", "Grace", "Hiroshi"];
    const FAMILY: [&str; 8] = ["Lovelace", "Åkesson", "Rossi", "Ivanov", "Okafor", "Haddad", "Hopper", "Tanaka"];
    const TITLES: [&str; 6] =
        ["Account Executive", "Sales Engineer", "Customer Success Manager", "SDR", "", "Regional Vice President"];
    let (given, family) = (GIVEN[numbers.below(GIVEN.len())], FAMILY[numbers.below(FAMILY.len())]);
    let manager = numbers.below(place.max(1)).min(5_000);
    Person {
        id,
        email: address(place),
        given_name: given.to_owned(),
        family_name: format!("{family}-{place}"),
        job_title: TITLES[numbers.below(TITLES.len())].to_owned(),
        manager_email: (place > 0).then(|| address(manager)),
        active: numbers.below(100) >= 5,
    }
}

fn address(place: usize) -> String {
    format!("person.{place}@company.example")
}

fn member(person: &Person) -> DirectoryMember {
    let status = if person.active { MemberStatus::Active } else { MemberStatus::Inactive };
    DirectoryMember {
        member: person.id.clone(),
        email: person.email.clone(),
        given_name: person.given_name.clone(),
        family_name: person.family_name.clone(),
        job_title: person.job_title.clone(),
        manager_email: person.manager_email.clone().unwrap_or_default(),
        status: status.into(),
    }
}

fn group((id, display_name): &(String, String)) -> DirectoryGroup {
    DirectoryGroup { group: id.clone(), display_name: display_name.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_organization_has_the_size_that_is_measured() {
        let directory = SampleDirectory::generate(Size::scaled(1.0, 20));
        assert_eq!((directory.people.len(), directory.groups.len()), (100_000, 1_000));
        assert_eq!(directory.memberships.len(), 500_000);
        assert!(directory.memberships.is_sorted() && directory.people.is_sorted_by_key(|person| &person.id));
    }

    #[test]
    fn the_sync_has_all_rows_in_messages_of_a_thousand() {
        let directory = SampleDirectory::generate(Size::scaled(0.03, 20));
        let messages = directory.full_sync("organizations/bench");
        assert_eq!(messages.len(), 1 + 3 + 1 + 15);
        assert_eq!(messages.iter().map(|message| message.memberships.len()).sum::<usize>(), 15_000);
        assert_eq!(messages.iter().map(|message| message.members.len()).max(), Some(1_000));
    }
}

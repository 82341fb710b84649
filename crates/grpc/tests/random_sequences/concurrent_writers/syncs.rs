//! The syncs of writers. Some of their rows are rejected.

use rollcall_proto::v1::{DirectoryGroup, DirectoryMember, MemberStatus, Membership, SyncDirectoryRequest, SyncMode};
use rollcall_testkit::Random;

use super::{
    organization::{GROUPS, MEMBERS, ORGANIZATION, groups_of, member, parent},
    writers::{any_group, any_member},
};

/// Returns the first address of a member.
pub(crate) fn email(id: &str) -> String {
    format!("{id}@{ORGANIZATION}.example")
}

/// Returns the row of a member.
pub(crate) fn row(id: &str, email: String, status: MemberStatus) -> DirectoryMember {
    DirectoryMember {
        member: id.to_owned(),
        email,
        given_name: "Given".to_owned(),
        family_name: id.to_owned(),
        status: status.into(),
        ..Default::default()
    }
}

/// Returns the row of a group.
pub(crate) fn group(id: &str) -> DirectoryGroup {
    DirectoryGroup { group: id.to_owned(), ..Default::default() }
}

/// Returns the row of a membership.
pub(crate) fn membership(group: &str, member: &str) -> Membership {
    Membership { group: group.to_owned(), member: member.to_owned() }
}

/// Returns a delta sync: members who appear, become inactive or active, or get another address, perhaps
/// one of another member; groups; and memberships.
pub(crate) fn delta(random: &mut Random, newcomer: &str) -> SyncDirectoryRequest {
    let mut request =
        SyncDirectoryRequest { parent: parent(), mode: SyncMode::Delta.into(), ..SyncDirectoryRequest::default() };
    if random.chance(60) {
        request.memberships = random.some(3, any_membership);
        request.removed_memberships = random.some(2, any_membership);
    }
    if random.chance(50) {
        request.members = random.some(3, |random| any_row(random, 70));
    }
    if random.chance(20) {
        request.members.push(row(newcomer, email(newcomer), MemberStatus::Active));
        request.memberships.extend(random.some(2, |random| membership(&any_group(random), newcomer)));
    }
    if random.chance(15) {
        let id = any_group(random);
        let display_name = format!("Group {id} {}", random.below(3));
        request.groups.push(DirectoryGroup { display_name, group: id });
    }
    request
}

/// Returns a full sync of most initial members and, perhaps, of a newcomer.
pub(crate) fn full(random: &mut Random, newcomer: &str) -> SyncDirectoryRequest {
    let mut request = SyncDirectoryRequest {
        parent: parent(),
        mode: SyncMode::Full.into(),
        allow_mass_change: random.chance(70),
        ..SyncDirectoryRequest::default()
    };
    request.groups = (0..GROUPS).map(|number| group(&format!("g{number}"))).filter(|_| random.chance(96)).collect();
    for number in (0..MEMBERS).filter(|_| random.chance(95)).collect::<Vec<_>>() {
        let id = member(number);
        request.members.push(row(&id, email(&id), any_status(random, 90)));
        for group in groups_of(number).into_iter().filter(|_| random.chance(92)).collect::<Vec<_>>() {
            request.memberships.push(membership(&group, &id));
        }
        if random.chance(10) {
            request.memberships.push(membership(&any_group(random), &id));
        }
    }
    if random.chance(50) {
        request.members.push(row(newcomer, email(newcomer), MemberStatus::Active));
        request.memberships.push(membership("g5", newcomer));
    }
    request
}

fn any_membership(random: &mut Random) -> Membership {
    membership(&any_group(random), &any_member(random))
}

fn any_row(random: &mut Random, active: usize) -> DirectoryMember {
    let id = any_member(random);
    let address = match random.below(10) {
        0 => email(&any_member(random)),
        1 | 2 => format!("{id}.other@{ORGANIZATION}.example"),
        _ => email(&id),
    };
    let status = any_status(random, active);
    row(&id, address, status)
}

fn any_status(random: &mut Random, active: usize) -> MemberStatus {
    if random.chance(active) { MemberStatus::Active } else { MemberStatus::Inactive }
}

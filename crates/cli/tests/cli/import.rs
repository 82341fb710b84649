//! The ids and the messages of `rollcall import`.

use rollcall_cli::{
    folder::{FolderMembership, OrganizationFolder},
    import::{
        ids::{assignment_ids, resource_name},
        messages::{BATCH_ROWS, directory},
    },
};
use rollcall_domain::AssignmentId;

fn ids(names: &[&str]) -> Vec<String> {
    assignment_ids(names.iter().copied())
}

#[test]
fn names_become_ids() {
    assert_eq!(
        ids(&["Sales EMEA & Co.", "Équipe Ventes", "2nd line", "営業", "  R&D  "]),
        ["sales-emea-co", "quipe-ventes", "assignment-2nd-line", "assignment-4", "r-d"]
    );
}

#[test]
fn ids_are_unique() {
    assert_eq!(
        ids(&["Sales", "sales", "SALES!", "Sales 2", "Default"]),
        ["sales", "sales-2", "sales-3", "sales-2-2", "default-2"]
    );
}

#[test]
fn ids_are_always_valid() {
    let long = "x".repeat(80);
    let edge = format!("{} y", "x".repeat(62));
    for id in ids(&[&long, &long, &edge, &edge, "", "1", "-", "ß", "a"]) {
        assert!(AssignmentId::parse(&id).is_ok(), "{id}");
    }
}

#[test]
fn external_ids_are_encoded_in_names() {
    assert_eq!(resource_name("organizations/acme", "groups", "a/b c~é"), "organizations/acme/groups/a%2Fb%20c~%C3%A9");
}

#[test]
fn rows_come_in_batches_after_the_options() {
    let mut folder = OrganizationFolder::sample().unwrap();
    let (members, groups) = (folder.members.len(), folder.groups.len());
    let many = |number: usize| FolderMembership { group: "sales".to_owned(), member: format!("m{number}") };
    folder.memberships = (0..=2 * BATCH_ROWS).map(many).collect();
    let messages = directory(&folder, false);
    assert_eq!(messages[0].parent, "organizations/acme");
    assert!(messages[1..].iter().all(|message| message.parent.is_empty() && message.mode == 0));
    assert_eq!(messages.iter().map(|message| message.members.len()).sum::<usize>(), members);
    assert_eq!(messages.iter().map(|message| message.groups.len()).sum::<usize>(), groups);
    let sizes: Vec<usize> = messages[3..].iter().map(|message| message.memberships.len()).collect();
    assert_eq!(sizes, [BATCH_ROWS, BATCH_ROWS, 1]);
}

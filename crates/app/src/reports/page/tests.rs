//! The page of reports that are made here: its size, its text and its order.

use rollcall_domain::{AssignmentId, OrganizationId, UpdateMode, email_export::Summary};
use rollcall_store::{
    members::mixed::ReportedAssignment,
    reports::{MissingOrganization, MissingReason},
};

use super::*;
use crate::reports::{
    changes::{ShownChanges, WrittenChanges},
    checksum::Checksum,
    manifest::{ManifestChanges, OrganizationCounts},
};

fn assignment(id: &str, name: &str, update_mode: UpdateMode, exporting: u32) -> ReportedAssignment {
    let summary = Summary { exporting, not_exporting: 3, inactive: 1 };
    ReportedAssignment { id: AssignmentId::trusted(id), name: name.to_owned(), rank: 1, update_mode, summary }
}

/// Returns the tables of a report whose organizations have these mixed assignments.
fn written(organizations: &[(String, Vec<ReportedAssignment>)]) -> WrittenTables {
    let mut shown = ShownAssignments::default();
    let mut counts = Vec::new();
    for (id, mixed) in organizations {
        let organization = OrganizationId::trusted(id.as_str());
        shown.add(&organization, mixed);
        let mixed_assignments = u32::try_from(mixed.len()).unwrap();
        let rows = mixed.iter().map(|one| u64::from(one.summary.members())).sum();
        counts.push(OrganizationCounts { organization, phase: Phase::Migrated, mixed_assignments, rows });
    }
    let file = |name: &str| ManifestFile { rows: Some(7), ..ManifestFile::new(name, Checksum::default()) };
    let changes =
        WrittenChanges { file: file(CHANGES_FILE), counts: ManifestChanges::default(), shown: ShownChanges::default() };
    WrittenTables { data: file(MIXED_FILE), changes, shown, organizations: counts, missing_organizations: Vec::new() }
}

fn page(written: &WrittenTables) -> String {
    let scheduled_for = "2026-11-30T02:00:00Z".parse().unwrap();
    ReportPage::new(scheduled_for, written, None, &[]).render().unwrap()
}

/// Returns how often a text occurs.
fn count(page: &str, text: &str) -> usize {
    page.matches(text).count()
}

#[test]
fn the_page_of_ten_thousand_organizations_is_bounded() {
    let id = |number: usize| format!("{:x<58}{number:05}", "org");
    // The longest names, of the characters that are escaped with the most bytes.
    let (long, name) = ("a".repeat(63), "\"".repeat(200));
    let organizations: Vec<_> = (0..10_000)
        .map(|number| {
            let mode = if number < 5_000 { UpdateMode::AutomaticUpdates } else { UpdateMode::ManualEditing };
            (id(number), vec![assignment(&long, &name, mode, 10), assignment("b", &name, UpdateMode::ManualEditing, 9)])
        })
        .collect();
    let page = page(&written(&organizations));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(page.contains("20,000 assignments are mixed"), "{page:.3000}");
    assert!(page.contains("5,000 assignments that need action; 4,800 of them only in"));
    assert!(page.contains("19,800 more mixed assignments, among them all of 9,800 more organizations"));
    assert_eq!(count(&page, "Needs action</span>"), 200);
}

#[test]
fn names_are_escaped() {
    let hostile = "</title><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\u{202e}{{ 7 * 7 }}";
    let mixed = vec![assignment("sales", hostile, UpdateMode::AutomaticUpdates, 2)];
    let page = page(&written(&[("acme".to_owned(), mixed)]));
    let escaped = "&#60;/title&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;&#60;img src=x \
        onerror=alert(2)&#62;\u{202e}{{ 7 * 7 }}";
    assert_eq!(count(&page, escaped), 3);
    assert_eq!((count(&page, "<script"), count(&page, "<img"), count(&page, hostile)), (0, 0, 0));
}

#[test]
fn an_empty_report_says_that_nothing_needs_action() {
    let page = page(&written(&[]));
    for text in ["No assignment is mixed:", "Nothing needs action.", "There is no earlier report to compare with."] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("How to settle"));
}

#[test]
fn missing_organizations_are_named_before_everything_else() {
    let mixed = vec![assignment("sales", "Sales", UpdateMode::AutomaticUpdates, 2)];
    let mut tables = written(&[("acme".to_owned(), mixed)]);
    let organization = OrganizationId::trusted("bad");
    tables.missing_organizations = vec![MissingOrganization { organization, reason: MissingReason::InvalidRows }];
    let page = page(&tables);
    let order = [
        "The report lacks 1 organization</strong>",
        "<strong>bad</strong> <span class=\"muted\">(INVALID_ROWS)</span>",
        "1 assignment that needs action",
        "What changed since last night",
        "The last 30 nights",
        "How to settle <bdi>Sales",
    ];
    let places: Vec<_> = order.map(|text| page.find(text)).into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}

#[test]
fn the_call_gives_the_value_that_changes_fewer_members() {
    let mixed = [("more", 4, "EXPORT"), ("fewer", 2, "DO_NOT_EXPORT"), ("same", 3, "DO_NOT_EXPORT")];
    for (id, exporting, value) in mixed {
        let mixed = vec![assignment(id, id, UpdateMode::ManualEditing, exporting)];
        let page = page(&written(&[("acme".to_owned(), mixed)]));
        let command = format!(
            "<pre><code>rollcall assignment choose {value} --organization acme --assignment {id} \
             --target http://localhost:50051</code></pre>"
        );
        assert!(page.contains(&command), "{id}");
        let call =
            format!("organizations/acme/assignments/{id}&#34;,&#34;email_export&#34;:&#34;EMAIL_EXPORT_{value}&#34;");
        assert!(page.contains(&call), "{id}");
    }
}

//! Lint through the API, rule by rule, and the warnings of the changes that cause findings.

use rollcall_proto::v1::{
    Assignment, Catalog, EmailExport, GetCatalogRequest, LintAssignmentsRequest, LintFinding, LintRule,
    ListAssignmentsRequest, Phase, ReorderAssignmentsRequest, SeatType, Settings, UpdateAssignmentRequest,
    UpdateCatalogRequest, Warning,
};
use rollcall_testkit::{Member, Org, TestServer};

use crate::{AUTOMATIC, DO_NOT_EXPORT, EXPORT, MANUAL, acme, at, last, move_to};

async fn findings(server: &TestServer, org: &Org<'_>) -> Vec<LintFinding> {
    let request = LintAssignmentsRequest { parent: org.name(), ..Default::default() };
    server.assignments().lint_assignments(request).await.unwrap().into_inner().findings
}

/// Returns the findings, as `assignment:RULE`.
async fn lint(server: &TestServer, org: &Org<'_>) -> String {
    let found = findings(server, org).await;
    let rule = |found: &LintFinding| found.rule().as_str_name().trim_start_matches("LINT_RULE_").to_owned();
    let found = found.iter().map(|found| format!("{}:{}", last(&found.assignment), rule(found)));
    found.collect::<Vec<_>>().join(" ")
}

async fn set_catalog(server: &TestServer, org: &Org<'_>, seat_types: Vec<SeatType>) {
    let name = format!("{}/catalog", org.name());
    let read = GetCatalogRequest { name: name.clone(), ..Default::default() };
    let etag = server.organizations().get_catalog(read).await.unwrap().into_inner().catalog.unwrap().etag;
    let catalog = Some(Catalog { name, seat_types, etag, ..Default::default() });
    let request = UpdateCatalogRequest { catalog, ..Default::default() };
    server.organizations().update_catalog(request).await.unwrap();
}

fn seat(id: &str) -> SeatType {
    SeatType { seat_type: id.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_valid_list_has_no_findings() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    assert_eq!(lint(&server, &org).await, "", "the default assignment alone");
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["eng", "ops"], MANUAL, EXPORT).await;
    assert_eq!(lint(&server, &org).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmatchable_assignment_is_reported_with_the_assignments_that_take_its_groups() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    for (id, groups) in [("engineering", &["eng"][..]), ("operations", &["ops"]), ("both", &["eng", "ops"])] {
        org.assign(id, groups, AUTOMATIC, EXPORT).await;
    }
    assert_eq!(lint(&server, &org).await, "both:NEVER_MATCHES both:NO_MEMBERS");
    let found = findings(&server, &org).await.remove(0);
    let expected = LintFinding {
        rule: LintRule::NeverMatches.into(),
        assignment: org.assignment("both"),
        rank: 3,
        message: "no member can match `both`: an earlier assignment has each of its groups (`engineering`, \
                  `operations`); move it before them, give it another group, or delete it"
            .to_owned(),
        groups: vec![org.group("eng"), org.group("ops")],
        taken_by: vec![org.assignment("engineering"), org.assignment("operations")],
        groups_count: 2,
        taken_by_count: 2,
    };
    assert_eq!(found, expected);
    // A manual assignment keeps the members that matched before.
    server.assignments().move_assignment(move_to(&org, "both", 2)).await.unwrap();
    assert_eq!(lint(&server, &org).await, "operations:NEVER_MATCHES operations:NO_MEMBERS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_names_the_first_20_groups_and_assignments_and_counts_all() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let groups: Vec<&'static str> = (10..35).map(|number| &*format!("g{number}").leak()).collect();
    org.sync(&[Member::new("a", groups.clone().leak())]).await;
    for group in &groups {
        org.assign(&format!("of-{group}"), &[group], AUTOMATIC, EXPORT).await;
    }
    org.assign("last", &groups, AUTOMATIC, EXPORT).await;
    let found = findings(&server, &org).await;
    let found = found.iter().find(|found| found.rule() == LintRule::NeverMatches).unwrap();
    assert_eq!(found.groups, groups[..20].iter().map(|group| org.group(group)).collect::<Vec<_>>());
    let taken_by = groups[..20].iter().map(|group| org.assignment(&format!("of-{group}")));
    assert_eq!(found.taken_by, taken_by.collect::<Vec<_>>());
    assert_eq!((found.groups_count, found.taken_by_count), (25, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_group_is_reported_until_it_returns() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let all = [Member::new("a", &["eng"]), Member::new("b", &["ops", "oth/er"])];
    org.sync(&all).await;
    org.assign("first", &["eng", "ops"], AUTOMATIC, EXPORT).await;
    let mut other = org.new_assignment("other", &[], MANUAL, EXPORT);
    other.assignment.as_mut().unwrap().groups = vec![org.group("oth%2Fer")];
    server.assignments().create_assignment(other).await.unwrap();
    org.sync(&[Member::new("a", &["eng"]), Member::new("b", &[])]).await;
    assert_eq!(lint(&server, &org).await, "first:GROUP_GONE other:GROUP_GONE other:NO_MEMBERS");
    let named: Vec<_> = findings(&server, &org).await.into_iter().map(|found| found.groups).collect();
    assert_eq!(named, [vec![org.group("ops")], vec![org.group("oth%2Fer")], vec![]]);
    // A save of the assignment returns the warning.
    let assignment =
        Assignment { name: org.assignment("first"), display_name: "Renamed".to_owned(), ..Default::default() };
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    let warnings = server.assignments().update_assignment(request).await.unwrap().into_inner().warnings;
    let message = "the group `ops` of `first` left the directory: no member matches by it until a sync brings it back; \
                   remove it from the assignment if it will not come back";
    assert_eq!(warnings, [Warning { resource: org.assignment("first"), message: message.to_owned() }]);
    org.sync(&all).await;
    assert_eq!(lint(&server, &org).await, "other:NO_MEMBERS");
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_seats_and_missing_prerequisites_are_reported() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    set_catalog(&server, &org, vec![SeatType { total: Some(1), ..seat("gong") }, seat("engage")]).await;
    let mut new = at(&org, "engineering", &["eng"], 0);
    let seats = vec!["engage".to_owned(), "gong".to_owned()];
    new.assignment.as_mut().unwrap().settings = Some(Settings { seats, ..Default::default() });
    server.assignments().create_assignment(new).await.unwrap();
    assert_eq!(lint(&server, &org).await, "engineering:SEATS_PENDING");
    let message = "members of `engineering` wait: 1 for the seat `gong`; raise the total or free some";
    assert_eq!(findings(&server, &org).await[0].message, message);
    let requires = vec!["forecast".to_owned()];
    set_catalog(&server, &org, vec![seat("gong"), SeatType { requires, ..seat("engage") }, seat("forecast")]).await;
    assert_eq!(lint(&server, &org).await, "engineering:SEAT_PREREQUISITE_MISSING");
    let message = "`engineering` lacks seats: `engage` requires `forecast`; give both, or neither";
    assert_eq!(findings(&server, &org).await[0].message, message);
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_contradictions_and_unresolved_assignments_are_reported() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("yes", &["eng"]), Member::new("no", &["eng"])]).await;
    org.assign("engineering", &["eng"], AUTOMATIC, None).await;
    org.import(&[("yes", true)]).await;
    assert_eq!(lint(&server, &org).await, "", "there is no setting in phase LEGACY");
    org.migrate().await;
    // No request can store such settings.
    let rows = server.database.client().await;
    let sql = "UPDATE settings SET emails_imported = true, prevent_email_import = true WHERE organization_id = 'acme'";
    assert!(rows.execute(sql, &[]).await.unwrap() > 0);
    let expected = "engineering:CONTRADICTORY_DATA_CAPTURE engineering:EMAIL_EXPORT_UNRESOLVED \
                    default:CONTRADICTORY_DATA_CAPTURE";
    assert_eq!(lint(&server, &org).await, expected);
    let message = "the members of `engineering` have different email export settings (EXPORT: 1, DO_NOT_EXPORT: 1), and it updates \
                   automatically: it cannot be saved before a value is chosen or it is switched to manual editing";
    assert_eq!(findings(&server, &org).await[1].message, message);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_change_that_makes_an_assignment_unmatchable_returns_the_warning() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let told = |warnings: Vec<Warning>| {
        assert!(warnings.iter().all(|warning| warning.message.starts_with("no member can match `")), "{warnings:?}");
        warnings.iter().map(|warning| last(&warning.resource).to_owned()).collect::<Vec<_>>().join(" ")
    };
    let mut clients = server.assignments();
    let mut create = async |id: &str, groups: &[&str], position| {
        for validate_only in [true, false] {
            let mut request = at(&org, id, groups, position);
            request.validate_only = validate_only;
            let warnings = clients.create_assignment(request).await.unwrap().into_inner().warnings;
            if !validate_only {
                return warnings;
            }
        }
        unreachable!()
    };
    assert_eq!(told(create("a", &["eng"], 0).await), "");
    assert_eq!(told(create("b", &["eng"], 0).await), "b", "itself");
    assert_eq!(told(create("c", &["ops"], 1).await), "", "b could not be matched before");
    assert_eq!(told(create("d", &["ops", "eng"], 1).await), "c a", "both by this");
    let moved = server.assignments().move_assignment(move_to(&org, "d", 4)).await.unwrap().into_inner();
    assert_eq!(told(moved.warnings), "d", "c and a match again");
    let list = ListAssignmentsRequest { parent: org.name(), ..Default::default() };
    let etag = server.assignments().list_assignments(list).await.unwrap().into_inner().etag;
    let assignments = ["b", "a", "d", "c"].map(|id| org.assignment(id)).into();
    let request = ReorderAssignmentsRequest { parent: org.name(), assignments, etag, ..Default::default() };
    let reordered = server.assignments().reorder_assignments(request).await.unwrap().into_inner();
    assert_eq!(told(reordered.warnings), "a c");
    let assignment =
        Assignment { name: org.assignment("a"), email_export: EmailExport::DoNotExport.into(), ..Default::default() };
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    let updated = server.assignments().update_assignment(request).await.unwrap().into_inner();
    assert_eq!(updated.assignment.unwrap().email_export(), DO_NOT_EXPORT.unwrap());
    assert_eq!(told(updated.warnings), "a");
}

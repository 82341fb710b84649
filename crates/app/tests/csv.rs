//! The CSV of both reports, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::sync::Arc;

use rollcall_app::reports::{
    changes_table::CHANGES_COLUMNS,
    csv::{CsvPage, CsvProfile},
    member_table::{MEMBERS_COLUMNS, write_member},
    mixed_table::{MIXED_COLUMNS, write_mixed},
};
use rollcall_domain::{
    AssignmentId, DataCapture, Email, MemberId, OrganizationId, Settings, UpdateMode,
    email_export::{MemberExport, Setting, Since, Source, Summary},
};
use rollcall_store::members::{
    export::TeamMember,
    mixed::{ReportedAssignment, ReportedMember},
};

fn organization() -> OrganizationId {
    OrganizationId::trusted("acme")
}

fn settings() -> Settings {
    let permissions = [("emea", "manager"), ("apac", "viewer")];
    Settings {
        seats: ["gong", "engage", "waits"].map(str::to_owned).into(),
        home_workspace: Some("emea".to_owned()),
        permissions: permissions.map(|(workspace, profile)| (workspace.to_owned(), profile.to_owned())).into(),
        data_capture: DataCapture {
            web_conferences_recorded: true,
            telephony_calls_imported: true,
            gong_connect_enabled: true,
            ..DataCapture::default()
        },
    }
}

fn member() -> TeamMember {
    TeamMember {
        id: MemberId::trusted("m0042"),
        email: Email::trusted("ada@acme.example"),
        given_name: "Ada".to_owned(),
        family_name: "Byron".to_owned(),
        job_title: "Analyst".to_owned(),
        manager_email: None,
        active: true,
        assignment: AssignmentId::trusted("sales"),
        assignment_name: "Sales".to_owned(),
        assignment_rank: 1,
        update_mode: UpdateMode::AutomaticUpdates,
        settings: Arc::new(settings()),
        held_seats: ["gong", "engage"].map(str::to_owned).into(),
        export: Some(MemberExport { setting: Setting::Export(Since::Always), source: Source::Migration }),
    }
}

fn assignment() -> ReportedAssignment {
    ReportedAssignment {
        id: AssignmentId::trusted("sales"),
        name: "Sales".to_owned(),
        rank: 3,
        update_mode: UpdateMode::AutomaticUpdates,
        summary: Summary { exporting: 2, not_exporting: 1, inactive: 0 },
    }
}

fn mixed() -> ReportedMember {
    ReportedMember {
        id: MemberId::trusted("m0042"),
        email: Email::trusted("ada@acme.example"),
        active: false,
        export: Some(MemberExport { setting: Setting::DoNotExport, source: Source::EditedByHand }),
    }
}

fn member_line(profile: CsvProfile, row: &TeamMember) -> String {
    let mut page = CsvPage::new(profile);
    write_member(&mut page, &organization(), row).unwrap();
    String::from_utf8(page.finish().unwrap().to_vec()).unwrap()
}

fn mixed_line(assignment: &ReportedAssignment, row: &ReportedMember) -> String {
    let mut page = CsvPage::new(CsvProfile::Spreadsheet);
    write_mixed(&mut page, &organization(), assignment, row).unwrap();
    String::from_utf8(page.finish().unwrap().to_vec()).unwrap()
}

/// The cell that a job title becomes; what is around it is known.
fn cell(profile: CsvProfile, text: &str) -> String {
    let line = member_line(profile, &TeamMember { job_title: text.to_owned(), ..member() });
    let rest = line.strip_prefix("acme,m0042,ada@acme.example,Ada Byron,").unwrap();
    let end = rest.find(",,ACTIVE,").unwrap();
    rest[..end].to_owned()
}

#[test]
fn names_keep_their_white_space() {
    for (given, family, expected) in
        [("Ada ", " Byron", "Ada   Byron"), ("", " Byron", " Byron"), ("\tAda", "", "\tAda")]
    {
        let row = TeamMember { given_name: given.to_owned(), family_name: family.to_owned(), ..member() };
        let line = member_line(CsvProfile::Raw, &row);
        assert_eq!(line.split(',').nth(3), Some(expected));
    }
}

#[test]
fn headers_are_those_of_the_product_page() {
    let mut page = CsvPage::new(CsvProfile::Spreadsheet);
    page.header(&MEMBERS_COLUMNS).unwrap();
    page.header(&MIXED_COLUMNS).unwrap();
    let expected = "organization,member,email,name,job_title,manager_email,status,assignment,\
        assignment_name,assignment_rank,update_mode,seats,web_conferences_recorded,\
        prevent_web_conference_recording,telephony_calls_imported,emails_imported,\
        prevent_email_import,non_recorded_meetings_imported,gong_connect_enabled,home_workspace,\
        permission_profiles,email_export,email_export_since,email_export_source\r\n\
        organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
        members_exporting,members_not_exporting,member,email,status,email_export,\
        email_export_since,email_export_source\r\n";
    assert_eq!(page.finish().unwrap(), expected);
}

#[test]
fn a_member_is_one_line_that_ends_with_crlf() {
    let expected = "acme,m0042,ada@acme.example,Ada Byron,Analyst,,ACTIVE,sales,Sales,1,\
        AUTOMATIC_UPDATES,engage;gong,true,false,true,false,false,false,true,emea,\
        apac=viewer;emea=manager,EXPORT,always,MIGRATION\r\n";
    assert_eq!(member_line(CsvProfile::Spreadsheet, &member()), expected);
}

#[test]
fn a_mixed_row_says_whether_action_is_required() {
    let tail = "2,1,m0042,ada@acme.example,INACTIVE,DO_NOT_EXPORT,,EDITED_BY_HAND\r\n";
    let automatic = format!("acme,sales,Sales,3,AUTOMATIC_UPDATES,true,{tail}");
    let manual = format!("acme,sales,Sales,3,MANUAL_EDITING,false,{tail}");
    assert_eq!(mixed_line(&assignment(), &mixed()), automatic);
    let by_hand = ReportedAssignment { update_mode: UpdateMode::ManualEditing, ..assignment() };
    assert_eq!(mixed_line(&by_hand, &mixed()), manual);
}

#[test]
fn the_start_of_export_is_always_or_a_moment_or_nothing() {
    let moment = "2026-03-03T04:05:06Z".parse().unwrap();
    let cases = [
        (Some(Setting::Export(Since::Always)), "EXPORT,always,MIGRATION"),
        (Some(Setting::Export(Since::At(moment))), "EXPORT,2026-03-03T04:05:06.000000Z,MIGRATION"),
        (Some(Setting::DoNotExport), "DO_NOT_EXPORT,,MIGRATION"),
        (None, ",,"),
    ];
    for (setting, expected) in cases {
        let export = setting.map(|setting| MemberExport { setting, source: Source::Migration });
        let line = mixed_line(&assignment(), &ReportedMember { export, ..mixed() });
        assert!(line.ends_with(&format!(",INACTIVE,{expected}\r\n")), "{line}");
    }
}

#[test]
fn text_that_a_spreadsheet_would_run_gets_one_apostrophe() {
    let cases = [
        ("=1+1", "'=1+1", "=1+1"),
        ("+49 30", "'+49 30", "+49 30"),
        ("-2", "'-2", "-2"),
        ("@SUM(A1)", "'@SUM(A1)", "@SUM(A1)"),
        ("\tx", "'\tx", "\tx"),
        ("\rx", "\"'\rx\"", "\"\rx\""),
        ("=\"a\",b", "\"'=\"\"a\"\",b\"", "\"=\"\"a\"\",b\""),
        ("=", "'=", "="),
        ("a=1", "a=1", "a=1"),
        (" =1", " =1", " =1"),
        ("'=1", "'=1", "'=1"),
        ("", "", ""),
    ];
    for (text, spreadsheet, raw) in cases {
        assert_eq!(cell(CsvProfile::Spreadsheet, text), spreadsheet, "{text:?}");
        assert_eq!(cell(CsvProfile::Raw, text), raw, "{text:?}");
    }
}

#[test]
fn every_text_cell_is_made_harmless() {
    let evil = || "=x".to_owned();
    let settings = Settings {
        home_workspace: Some(evil()),
        permissions: [(evil(), "p".to_owned())].into(),
        ..Settings::default()
    };
    let row = TeamMember {
        id: MemberId::trusted(evil()),
        email: Email::trusted(evil()),
        given_name: evil(),
        job_title: evil(),
        manager_email: Some(Email::trusted(evil())),
        assignment: AssignmentId::trusted(evil()),
        assignment_name: evil(),
        settings: Arc::new(settings),
        held_seats: [evil()].into(),
        ..member()
    };
    let line = member_line(CsvProfile::Spreadsheet, &row);
    assert!(!line.split(',').any(|cell| cell.starts_with('=')), "{line}");
}

#[test]
fn quotes_commas_and_line_breaks_survive() {
    let cases = [
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\r\nlines", "\"two\r\nlines\""),
        ("two\nlines", "\"two\nlines\""),
        ("אבג", "אבג"),
        ("plain", "plain"),
    ];
    for (text, expected) in cases {
        assert_eq!(cell(CsvProfile::Spreadsheet, text), expected, "{text:?}");
    }
}

#[test]
fn a_name_of_one_part_has_no_blank() {
    let row = TeamMember { family_name: String::new(), ..member() };
    assert!(member_line(CsvProfile::Spreadsheet, &row).contains(",Ada,Analyst,"));
}

#[test]
fn the_header_of_version_1_never_changes() {
    let mut page = CsvPage::new(CsvProfile::Spreadsheet);
    page.header(&MIXED_COLUMNS).unwrap();
    // Programs of others read this. Another header needs another schema_version.
    let pinned: &[u8] = b"organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
        members_exporting,members_not_exporting,member,email,status,email_export,email_export_since,\
        email_export_source\r\n";
    assert_eq!(page.finish().unwrap(), pinned);
    let mut page = CsvPage::new(CsvProfile::Spreadsheet);
    page.header(&CHANGES_COLUMNS).unwrap();
    let pinned: &[u8] = b"organization,assignment,assignment_name,change,assignment_rank,update_mode,\
        action_required,members_exporting,members_not_exporting\r\n";
    assert_eq!(page.finish().unwrap(), pinned);
}

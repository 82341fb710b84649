//! The history of one member: the source of each setting after each step (product.md 9).

use std::collections::BTreeMap;

use prost_types::FieldMask;
use rollcall_proto::v1::{
    Assignment, Catalog, DataCapture, DeleteAssignmentRequest, EmailExport, GetCatalogRequest, Member as MemberMessage,
    PermissionProfile, Phase, SeatType, SettingCause, SettingOrigin, Settings, UpdateAssignmentRequest,
    UpdateCatalogRequest, UpdateMemberSettingsRequest, Workspace, WorkspacePermission,
};
use rollcall_testkit::{Member, Org, TestServer};

use crate::{AUTOMATIC, DO_NOT_EXPORT, EXPORT, MANUAL, delta, explain, move_to, release};

/// The settings in the order of the explanation.
const SETTINGS: [&str; 11] = [
    "settings.seats",
    "settings.home_workspace",
    "settings.permissions",
    "settings.data_capture.web_conferences_recorded",
    "settings.data_capture.prevent_web_conference_recording",
    "settings.data_capture.telephony_calls_imported",
    "settings.data_capture.emails_imported",
    "settings.data_capture.prevent_email_import",
    "settings.data_capture.non_recorded_meetings_imported",
    "settings.data_capture.gong_connect_enabled",
    "email_export",
];

const SEATS: &str = SETTINGS[0];
const HOME: &str = SETTINGS[1];
const PERMISSIONS: &str = SETTINGS[2];
const RECORDED: &str = SETTINGS[3];
const CALLS: &str = SETTINGS[5];
const EMAILS: &str = SETTINGS[6];
const CONNECT: &str = SETTINGS[9];
const EMAIL_EXPORT: &str = SETTINGS[10];

/// Returns a setting with its value.
type SettingValue<'a> = (&'static str, &'a str);

const ADA: Member = Member::new("ada", &["sales"]);

fn settings(seats: &[&str], workspace: &str, data_capture: DataCapture) -> Settings {
    Settings {
        seats: seats.iter().map(|seat| (*seat).to_owned()).collect(),
        home_workspace: Some(workspace.to_owned()),
        permissions: vec![WorkspacePermission { workspace: workspace.to_owned(), profile: "rep".to_owned() }],
        data_capture: Some(data_capture),
    }
}

fn masked(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() })
}

/// The expected sources of a member's settings.
struct ExpectedOrigins<'a> {
    server: &'a TestServer,
    org: Org<'a>,
    origins: BTreeMap<&'static str, SettingOrigin>,
}

impl<'a> ExpectedOrigins<'a> {
    /// Creates the assignments `sales` (automatic) and `support` (manual), which give the seats `gong` and `engage`.
    /// The total of `gong` is `gongs`.
    async fn create(server: &'a TestServer, gongs: Option<i32>) -> Self {
        let org = Org::create(server, "acme", Phase::Migrated).await;
        let name = format!("{}/catalog", org.name());
        let read = GetCatalogRequest { name, ..Default::default() };
        let read = server.organizations().get_catalog(read).await.unwrap().into_inner().catalog.unwrap();
        let seat = |id: &str, total| SeatType { seat_type: id.to_owned(), total, ..Default::default() };
        let rep = || vec![PermissionProfile { profile: "rep".to_owned(), ..Default::default() }];
        let workspace = |id: &str| Workspace { workspace: id.to_owned(), profiles: rep(), ..Default::default() };
        let seat_types = vec![seat("gong", gongs), seat("engage", None)];
        let catalog = Some(Catalog { seat_types, workspaces: ["emea", "hq"].map(workspace).into(), ..read });
        let request = UpdateCatalogRequest { catalog, ..Default::default() };
        server.organizations().update_catalog(request).await.unwrap();
        // The groups must exist. An inactive member holds no seat.
        org.sync(&[Member::new("zoe", &["sales", "support"]).inactive()]).await;
        let recorded =
            DataCapture { web_conferences_recorded: Some(true), emails_imported: Some(true), ..Default::default() };
        let imported = DataCapture { emails_imported: Some(true), ..Default::default() };
        for (id, mode, export, given) in [
            ("sales", AUTOMATIC, EXPORT, settings(&["gong"], "emea", recorded)),
            ("support", MANUAL, DO_NOT_EXPORT, settings(&["gong", "engage"], "hq", imported)),
        ] {
            let mut request = org.new_assignment(id, &[id], mode, export);
            request.assignment.as_mut().unwrap().settings = Some(given);
            server.assignments().create_assignment(request).await.unwrap();
        }
        Self { server, org, origins: BTreeMap::new() }
    }

    async fn sync(&self, member: &Member) -> String {
        delta(self.server, self.org.full_sync(std::slice::from_ref(member))).await
    }

    async fn edit_assignment(&self, id: &str, path: &str, assignment: Assignment) -> String {
        let assignment = Some(Assignment { name: self.org.assignment(id), ..assignment });
        let request = UpdateAssignmentRequest { assignment, update_mask: masked(&[path]), ..Default::default() };
        self.server.assignments().update_assignment(request).await.unwrap().into_inner().revision
    }

    /// Records that a change of `ada` gave her these settings, with its revision, cause and assignment.
    async fn record(&mut self, revision: &str, (cause, assignment): (SettingCause, &str), given: &[SettingValue<'_>]) {
        let since = self.org.get_member("ada").await.update_time;
        for (setting, value) in given {
            let origin = SettingOrigin {
                setting: (*setting).to_owned(),
                value: (*value).to_owned(),
                cause: cause.into(),
                assignment: self.org.assignment(assignment),
                since,
                actor: "anonymous".to_owned(),
                revision: revision.to_owned(),
                effective: true,
            };
            self.origins.insert(setting, origin);
        }
    }

    /// Records the change, and checks that all settings are in effect and that nothing else changed.
    async fn expect_change(&mut self, revision: String, given_in: (SettingCause, &str), given: &[SettingValue<'_>]) {
        self.record(&revision, given_in, given).await;
        self.check(|_| true).await;
    }

    /// Checks the explanation against the expected sources, with these settings in effect.
    async fn check(&self, effective: impl Fn(&str) -> bool) {
        let explained = explain(self.server, &self.org, "ada").await;
        let origin = |setting: &str| SettingOrigin { effective: effective(setting), ..self.origins[setting].clone() };
        assert_eq!(explained.settings, SETTINGS.map(origin));
        assert_eq!(explained.member, Some(self.org.get_member("ada").await));
    }
}

/// The initial settings of the assignment `sales`.
const IN_SALES: [SettingValue<'static>; 11] = [
    (SEATS, "gong"),
    (HOME, "emea"),
    (PERMISSIONS, "emea=rep"),
    (RECORDED, "true"),
    (SETTINGS[4], "false"),
    (CALLS, "false"),
    (EMAILS, "true"),
    (SETTINGS[7], "false"),
    (SETTINGS[8], "false"),
    (CONNECT, "false"),
    (EMAIL_EXPORT, "EXPORT"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_has_its_source_after_each_step() {
    let server = TestServer::start().await;
    let mut expected = ExpectedOrigins::create(&server, None).await;
    create_and_edit(&mut expected).await;
    keep_and_choose(&mut expected).await;
    move_and_release(&mut expected).await;
}

async fn create_and_edit(expected: &mut ExpectedOrigins<'_>) {
    use SettingCause::{AssignmentEdited, EditedByHand, EnteredAssignment};
    let (server, org) = (expected.server, expected.org);
    let revision = expected.sync(&ADA).await;
    expected.expect_change(revision, (EnteredAssignment, "sales"), &IN_SALES).await;

    let calls = DataCapture {
        telephony_calls_imported: Some(true),
        web_conferences_recorded: Some(true),
        emails_imported: Some(true),
        ..Default::default()
    };
    let given = Some(settings(&["gong", "engage"], "emea", calls));
    let edited = Assignment { settings: given, ..Default::default() };
    let revision = expected.edit_assignment("sales", "settings", edited).await;
    expected.expect_change(revision, (AssignmentEdited, "sales"), &[(SEATS, "engage,gong"), (CALLS, "true")]).await;

    // `support` gives the same seats and imports emails as well: she already had these settings.
    let revision = move_to(server, &org, &["ada"], "support").await.revision;
    let given =
        [(HOME, "hq"), (PERMISSIONS, "hq=rep"), (RECORDED, "false"), (CALLS, "false"), (EMAIL_EXPORT, "DO_NOT_EXPORT")];
    expected.expect_change(revision, (EnteredAssignment, "support"), &given).await;

    let connect = DataCapture { gong_connect_enabled: Some(true), ..Default::default() };
    let member = Some(MemberMessage {
        name: org.member("ada"),
        settings: Some(Settings { data_capture: Some(connect), ..Default::default() }),
        email_export: EmailExport::Export.into(),
        ..Default::default()
    });
    let update_mask = masked(&[HOME, CONNECT, EMAIL_EXPORT]);
    let request = UpdateMemberSettingsRequest { member, update_mask, ..Default::default() };
    let revision = server.members().update_member_settings(request).await.unwrap().into_inner().revision;
    expected
        .expect_change(revision, (EditedByHand, "support"), &[(HOME, ""), (CONNECT, "true"), (EMAIL_EXPORT, "EXPORT")])
        .await;
}

async fn keep_and_choose(expected: &mut ExpectedOrigins<'_>) {
    use SettingCause::AssignmentEdited;
    let (server, org) = (expected.server, expected.org);
    // A manual assignment applies nothing again, nor does becoming inactive and active in it.
    let fewer = Some(Settings { seats: vec!["gong".to_owned()], ..Default::default() });
    expected.edit_assignment("support", SEATS, Assignment { settings: fewer, ..Default::default() }).await;
    expected.check(|_| true).await;
    expected.sync(&ADA.inactive()).await;
    expected.check(|_| false).await;
    expected.sync(&ADA).await;
    expected.check(|_| true).await;

    let choice = || Assignment { email_export: EmailExport::DoNotExport.into(), ..Default::default() };
    let revision = expected.edit_assignment("support", EMAIL_EXPORT, choice()).await;
    expected.expect_change(revision, (AssignmentEdited, "support"), &[(EMAIL_EXPORT, "DO_NOT_EXPORT")]).await;
    expected.edit_assignment("support", EMAIL_EXPORT, choice()).await;
    move_to(server, &org, &["ada"], "support").await;
    expected.check(|_| true).await;
}

async fn move_and_release(expected: &mut ExpectedOrigins<'_>) {
    use SettingCause::EnteredAssignment;
    let (server, org) = (expected.server, expected.org);
    let revision = move_to(server, &org, &["ada"], "default").await.revision;
    let none = [(SEATS, ""), (PERMISSIONS, ""), (EMAILS, "false"), (CONNECT, "false")];
    expected.expect_change(revision, (EnteredAssignment, "default"), &none).await;

    let revision = release(server, &org, &["ada"], false).await.revision;
    let given = [
        (SEATS, "engage,gong"),
        (HOME, "emea"),
        (PERMISSIONS, "emea=rep"),
        (RECORDED, "true"),
        (CALLS, "true"),
        (EMAILS, "true"),
        (EMAIL_EXPORT, "EXPORT"),
    ];
    expected.expect_change(revision, (EnteredAssignment, "sales"), &given).await;

    // Settings that the deleted assignment gave, and that the default one gives as well, still have the deleted one
    // as their source.
    let name = org.assignment("sales");
    let request = DeleteAssignmentRequest { name, resolve_members: true, ..Default::default() };
    let revision = server.assignments().delete_assignment(request).await.unwrap().into_inner().revision;
    let none = [
        (SEATS, ""),
        (HOME, ""),
        (PERMISSIONS, ""),
        (RECORDED, "false"),
        (CALLS, "false"),
        (EMAILS, "false"),
        (EMAIL_EXPORT, "DO_NOT_EXPORT"),
    ];
    expected.expect_change(revision, (EnteredAssignment, "default"), &none).await;
    assert_eq!(expected.origins[SETTINGS[7]].assignment, org.assignment("sales"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_seats_are_not_in_effect() {
    let server = TestServer::start().await;
    let mut expected = ExpectedOrigins::create(&server, Some(1)).await;
    let bob = Member::new("bob", &["sales"]);
    expected.sync(&bob).await;
    let revision = expected.sync(&ADA).await;
    expected.record(&revision, (SettingCause::EnteredAssignment, "sales"), &IN_SALES).await;
    expected.check(|setting| setting != SEATS).await;
    // She gets the seat that bob frees. The setting gave it to her all the time.
    expected.sync(&bob.inactive()).await;
    expected.check(|_| true).await;
}

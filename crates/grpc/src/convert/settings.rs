//! Settings between the contract and the domain.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_domain::{DataCapture, Settings};
use rollcall_proto::v1;

use crate::checks::Checks;

/// Parses settings. A repeated seat or workspace is a violation below `field`.
pub(crate) fn parse_settings(checks: &mut Checks, field: &str, settings: v1::Settings) -> Settings {
    let mut seats = BTreeSet::new();
    for (i, seat) in settings.seats.into_iter().enumerate() {
        if let Some(seat) = seats.replace(seat) {
            checks.add(&format!("{field}.seats[{i}]"), format!("the seat `{seat}` is repeated; name it once"));
        }
    }
    let mut permissions = BTreeMap::new();
    for (i, v1::WorkspacePermission { workspace, profile }) in settings.permissions.into_iter().enumerate() {
        if permissions.insert(workspace.clone(), profile).is_some() {
            let description =
                format!("the workspace `{workspace}` is repeated; a member has one profile in each workspace");
            checks.add(&format!("{field}.permissions[{i}].workspace"), description);
        }
    }
    Settings {
        seats,
        home_workspace: settings.home_workspace.filter(|home| !home.is_empty()),
        permissions,
        data_capture: settings.data_capture.map(parse_data_capture).unwrap_or_default(),
    }
}

fn parse_data_capture(capture: v1::DataCapture) -> DataCapture {
    DataCapture {
        web_conferences_recorded: capture.web_conferences_recorded(),
        prevent_web_conference_recording: capture.prevent_web_conference_recording(),
        telephony_calls_imported: capture.telephony_calls_imported(),
        emails_imported: capture.emails_imported(),
        prevent_email_import: capture.prevent_email_import(),
        non_recorded_meetings_imported: capture.non_recorded_meetings_imported(),
        gong_connect_enabled: capture.gong_connect_enabled(),
    }
}

/// Returns the paths of the fields with presence that settings in a request have.
pub(crate) fn written_paths(settings: Option<&v1::Settings>) -> BTreeSet<String> {
    let Some(settings) = settings else { return BTreeSet::new() };
    let capture = settings.data_capture.unwrap_or_default();
    let fields = [
        ("home_workspace", settings.home_workspace.is_some()),
        ("data_capture.web_conferences_recorded", capture.web_conferences_recorded.is_some()),
        ("data_capture.prevent_web_conference_recording", capture.prevent_web_conference_recording.is_some()),
        ("data_capture.telephony_calls_imported", capture.telephony_calls_imported.is_some()),
        ("data_capture.emails_imported", capture.emails_imported.is_some()),
        ("data_capture.prevent_email_import", capture.prevent_email_import.is_some()),
        ("data_capture.non_recorded_meetings_imported", capture.non_recorded_meetings_imported.is_some()),
        ("data_capture.gong_connect_enabled", capture.gong_connect_enabled.is_some()),
    ];
    fields.into_iter().filter(|(_, is_written)| *is_written).map(|(path, _)| format!("settings.{path}")).collect()
}

pub(crate) fn to_settings(settings: &Settings) -> v1::Settings {
    let capture = settings.data_capture;
    let permission = |(workspace, profile): (&String, &String)| v1::WorkspacePermission {
        workspace: workspace.clone(),
        profile: profile.clone(),
    };
    v1::Settings {
        seats: settings.seats.iter().cloned().collect(),
        home_workspace: Some(settings.home_workspace.clone().unwrap_or_default()),
        permissions: settings.permissions.iter().map(permission).collect(),
        data_capture: Some(v1::DataCapture {
            web_conferences_recorded: Some(capture.web_conferences_recorded),
            prevent_web_conference_recording: Some(capture.prevent_web_conference_recording),
            telephony_calls_imported: Some(capture.telephony_calls_imported),
            emails_imported: Some(capture.emails_imported),
            prevent_email_import: Some(capture.prevent_email_import),
            non_recorded_meetings_imported: Some(capture.non_recorded_meetings_imported),
            gong_connect_enabled: Some(capture.gong_connect_enabled),
        }),
    }
}

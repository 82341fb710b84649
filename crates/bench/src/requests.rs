//! Requests that more than one benchmark makes.

use rollcall_proto::v1::{Assignment, CreateAssignmentRequest, DataCapture, EmailExport, Settings, UpdateMode};

/// Returns settings whose data capture has the bits of a number.
#[must_use]
pub fn settings(bits: usize) -> Settings {
    let bit = |bit: usize| bits >> bit & 1 == 1;
    let data_capture = DataCapture {
        web_conferences_recorded: Some(bit(0)),
        telephony_calls_imported: Some(bit(1)),
        emails_imported: Some(bit(2)),
        non_recorded_meetings_imported: Some(bit(3)),
        gong_connect_enabled: Some(bit(4)),
        ..Default::default()
    };
    Settings { data_capture: Some(data_capture), ..Default::default() }
}

/// Returns the request that creates an assignment for groups of `parent`, the name of an organization, at a position.
#[must_use]
pub fn create_assignment<'a>(
    parent: &str,
    id: String,
    groups: impl Iterator<Item = &'a str>,
    settings: Settings,
    export: EmailExport,
    position: i32,
) -> CreateAssignmentRequest {
    let assignment = Assignment {
        display_name: id.clone(),
        groups: groups.map(|group| format!("{parent}/groups/{group}")).collect(),
        update_mode: UpdateMode::AutomaticUpdates.into(),
        settings: Some(settings),
        email_export: export.into(),
        ..Default::default()
    };
    CreateAssignmentRequest {
        parent: parent.to_owned(),
        assignment_id: id,
        assignment: Some(assignment),
        position,
        ..Default::default()
    }
}

//! Settings and email export between the contract and the domain.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_domain::{
    DataCapture, Settings, assignments::chosen_stays, email_export::EmailExport, refusal::Violation,
};
use rollcall_proto::v1;

use crate::{checks::Checks, masks::Mask};

/// Paths of settings that a mask may name, below the message that has them.
pub(crate) const SETTINGS_PATHS: [&str; 12] = [
    "settings",
    "settings.seats",
    "settings.home_workspace",
    "settings.permissions",
    "settings.data_capture",
    "settings.data_capture.web_conferences_recorded",
    "settings.data_capture.prevent_web_conference_recording",
    "settings.data_capture.telephony_calls_imported",
    "settings.data_capture.emails_imported",
    "settings.data_capture.prevent_email_import",
    "settings.data_capture.non_recorded_meetings_imported",
    "settings.data_capture.gong_connect_enabled",
];

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
        home_workspace: Some(settings.home_workspace).filter(|home| !home.is_empty()),
        permissions,
        data_capture: settings.data_capture.map(parse_data_capture).unwrap_or_default(),
    }
}

fn parse_data_capture(capture: v1::DataCapture) -> DataCapture {
    DataCapture {
        web_conferences_recorded: capture.web_conferences_recorded,
        prevent_web_conference_recording: capture.prevent_web_conference_recording,
        telephony_calls_imported: capture.telephony_calls_imported,
        emails_imported: capture.emails_imported,
        prevent_email_import: capture.prevent_email_import,
        non_recorded_meetings_imported: capture.non_recorded_meetings_imported,
        gong_connect_enabled: capture.gong_connect_enabled,
    }
}

/// The settings after an update that carries `given`: the parts that the mask names, or without
/// one the parts that are populated. `None` when it takes none.
pub(crate) fn merge_settings(mask: &Mask, current: &Settings, given: Option<&Settings>) -> Option<Settings> {
    if mask.names("settings") {
        return Some(given.cloned().unwrap_or_default());
    }
    let empty = Settings::default();
    let new = given.unwrap_or(&empty);
    let takes = |path: &str, populated: bool| mask.takes(path, given.is_some() && populated);
    let mut merged = current.clone();
    if takes("settings.seats", !new.seats.is_empty()) {
        merged.seats.clone_from(&new.seats);
    }
    if takes("settings.home_workspace", new.home_workspace.is_some()) {
        merged.home_workspace.clone_from(&new.home_workspace);
    }
    if takes("settings.permissions", !new.permissions.is_empty()) {
        merged.permissions.clone_from(&new.permissions);
    }
    merge_data_capture(mask, &mut merged.data_capture, new.data_capture);
    (merged != *current).then_some(merged)
}

fn merge_data_capture(mask: &Mask, merged: &mut DataCapture, new: DataCapture) {
    let whole = mask.names("settings.data_capture");
    let mut take = |path: &str, flag: fn(&mut DataCapture) -> &mut bool| {
        let mut new = new;
        let value = *flag(&mut new);
        if whole || mask.takes(&format!("settings.data_capture.{path}"), value) {
            *flag(merged) = value;
        }
    };
    take("web_conferences_recorded", |c| &mut c.web_conferences_recorded);
    take("prevent_web_conference_recording", |c| &mut c.prevent_web_conference_recording);
    take("telephony_calls_imported", |c| &mut c.telephony_calls_imported);
    take("emails_imported", |c| &mut c.emails_imported);
    take("prevent_email_import", |c| &mut c.prevent_email_import);
    take("non_recorded_meetings_imported", |c| &mut c.non_recorded_meetings_imported);
    take("gong_connect_enabled", |c| &mut c.gong_connect_enabled);
}

/// A value of email export that an update *chooses* (product.md 4.1): the mask names it, or there
/// is no mask and it differs from the stored one.
pub(crate) fn choose(
    mask: &Mask,
    given: Option<EmailExport>,
    stored: Option<EmailExport>,
) -> Result<Option<EmailExport>, Violation> {
    match (mask.names("email_export"), given) {
        (true, None) if stored.is_some() => Err(chosen_stays()),
        (true, value) => Ok(value),
        (false, value) => Ok(value.filter(|_| !mask.is_given() && given != stored)),
    }
}

pub(crate) fn to_settings(settings: &Settings) -> v1::Settings {
    let capture = settings.data_capture;
    let permission = |(workspace, profile): (&String, &String)| v1::WorkspacePermission {
        workspace: workspace.clone(),
        profile: profile.clone(),
    };
    v1::Settings {
        seats: settings.seats.iter().cloned().collect(),
        home_workspace: settings.home_workspace.clone().unwrap_or_default(),
        permissions: settings.permissions.iter().map(permission).collect(),
        data_capture: Some(v1::DataCapture {
            web_conferences_recorded: capture.web_conferences_recorded,
            prevent_web_conference_recording: capture.prevent_web_conference_recording,
            telephony_calls_imported: capture.telephony_calls_imported,
            emails_imported: capture.emails_imported,
            prevent_email_import: capture.prevent_email_import,
            non_recorded_meetings_imported: capture.non_recorded_meetings_imported,
            gong_connect_enabled: capture.gong_connect_enabled,
        }),
    }
}

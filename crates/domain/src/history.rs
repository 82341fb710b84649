//! The history of a member: where each setting came from, and what email export was at a time (product.md 4.9, 9).

use std::collections::HashMap;

use crate::{
    Cause, Held, MemberChange, Phase, Settings, SettingsId, Timestamp,
    email_export::{EmailExport, MemberExport},
};

/// One setting of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettingName {
    /// Seats.
    Seats,
    /// The home workspace.
    HomeWorkspace,
    /// The permission profile in each workspace.
    Permissions,
    /// Web conferences are recorded.
    WebConferencesRecorded,
    /// Recording of web conferences is prevented.
    PreventWebConferenceRecording,
    /// Telephony calls are imported.
    TelephonyCallsImported,
    /// Emails are imported.
    EmailsImported,
    /// Import of emails is prevented.
    PreventEmailImport,
    /// Meetings that were not recorded are imported.
    NonRecordedMeetingsImported,
    /// Gong Connect is enabled.
    GongConnectEnabled,
    /// Email export to CRM.
    EmailExport,
}

impl SettingName {
    /// All settings, in the order in which a response explains them.
    pub const ALL: [Self; 11] = [
        Self::Seats,
        Self::HomeWorkspace,
        Self::Permissions,
        Self::WebConferencesRecorded,
        Self::PreventWebConferenceRecording,
        Self::TelephonyCallsImported,
        Self::EmailsImported,
        Self::PreventEmailImport,
        Self::NonRecordedMeetingsImported,
        Self::GongConnectEnabled,
        Self::EmailExport,
    ];

    /// The value as text; empty for none. No catalog id has a `,` or `=`, so different values have different texts.
    #[must_use]
    pub fn text(self, settings: &Settings, export: Option<EmailExport>) -> String {
        let capture = settings.data_capture;
        let flag = match self {
            Self::Seats => return join(settings.seats.iter().cloned()),
            Self::HomeWorkspace => return settings.home_workspace.clone().unwrap_or_default(),
            Self::Permissions => return join(settings.permissions.iter().map(|(w, profile)| format!("{w}={profile}"))),
            Self::EmailExport => return export.map(EmailExport::as_str).unwrap_or_default().to_owned(),
            Self::WebConferencesRecorded => capture.web_conferences_recorded,
            Self::PreventWebConferenceRecording => capture.prevent_web_conference_recording,
            Self::TelephonyCallsImported => capture.telephony_calls_imported,
            Self::EmailsImported => capture.emails_imported,
            Self::PreventEmailImport => capture.prevent_email_import,
            Self::NonRecordedMeetingsImported => capture.non_recorded_meetings_imported,
            Self::GongConnectEnabled => capture.gong_connect_enabled,
        };
        flag.to_string()
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

/// A change of a member, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedChange {
    /// The change.
    pub change: MemberChange,
    /// The revision that made the change.
    pub revision: i64,
    /// The time of the change.
    pub time: Timestamp,
    /// The actor who made the change.
    pub actor: String,
}

/// Settings by id.
pub type Bundles = HashMap<SettingsId, Settings>;

/// Returns the change that gave the member the current value of a setting: the newest change of its value. `changes` are
/// all changes of the member, newest first.
#[must_use]
pub fn origin<'a>(name: SettingName, changes: &'a [RecordedChange], bundles: &Bundles) -> Option<&'a RecordedChange> {
    let text = |held: &Held| {
        let export = held.export.map(|export| export.setting.value());
        bundles.get(&held.settings).map(|settings| name.text(settings, export))
    };
    changes.iter().find(|recorded| {
        let MemberChange { before, after, .. } = &recorded.change;
        before.as_ref().is_none_or(|before| text(before) != text(after))
    })
}

/// A member whose settings are explained.
#[derive(Clone, Debug)]
pub struct ExplainedSettings<'a> {
    /// The phase of the organization.
    pub phase: Phase,
    /// Whether the member is active.
    pub active: bool,
    /// Whether the member waits for a seat.
    pub waits_for_seat: bool,
    /// The settings that the member has.
    pub settings: &'a Settings,
    /// The member's email export; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
    /// The old setting; decides in phase LEGACY.
    pub legacy: Option<bool>,
}

/// Where a setting of a member came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From this change.
    Change(Box<RecordedChange>),
    /// From the old settings page, in phase LEGACY.
    Legacy,
    /// No recorded change tells.
    Unknown,
}

/// Where one setting of a member came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingOrigin {
    /// The setting.
    pub name: SettingName,
    /// Its value as text.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
    /// Whether it is in effect.
    pub effective: bool,
}

impl SettingOrigin {
    /// Since when the member has the value without interruption; `None` for "always", which is so for email export that
    /// was carried over or is still the old setting (product.md 4.7).
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        match &self.origin {
            Origin::Change(recorded) if recorded.change.cause != Cause::Migration => Some(recorded.time),
            _ => None,
        }
    }
}

/// Explains every setting of a member with all their changes, newest first.
#[must_use]
pub fn explain_settings(
    member: &ExplainedSettings<'_>,
    changes: &[RecordedChange],
    bundles: &Bundles,
) -> Vec<SettingOrigin> {
    let legacy = member.phase == Phase::Legacy;
    let export = if legacy { Some(MemberExport::legacy(member.legacy)) } else { member.export };
    let explain = |name: SettingName| {
        let origin = match origin(name, changes, bundles) {
            _ if legacy && name == SettingName::EmailExport => Origin::Legacy,
            Some(recorded) => Origin::Change(Box::new(recorded.clone())),
            None => Origin::Unknown,
        };
        SettingOrigin {
            name,
            value: name.text(member.settings, export.map(|export| export.setting.value())),
            origin,
            effective: member.active && !(name == SettingName::Seats && member.waits_for_seat),
        }
    };
    SettingName::ALL.map(explain).into()
}

/// Returns what a known member's email export was at a time. `newest` is its newest change up to that time. Without one,
/// or where it gave the member no own setting, the old setting decided. Only the last imported old setting, `legacy`, is
/// kept.
#[must_use]
pub fn export_at(newest: Option<&RecordedChange>, legacy: Option<bool>) -> MemberExport {
    newest.and_then(|recorded| recorded.change.after.export).unwrap_or_else(|| MemberExport::legacy(legacy))
}

//! What a member has had: where each of their settings came from, and what their email export was at
//! a time (product.md 4.9, 9).

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
    /// All of them, in the order in which they are explained.
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

    /// The value as text, empty for none. No id of a catalog has a `,` or `=`, so different values
    /// have different texts.
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

/// One change of what a member has, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What changed.
    pub change: MemberChange,
    /// The revision that it was part of.
    pub revision: i64,
    /// When.
    pub time: Timestamp,
    /// By whom.
    pub actor: String,
}

/// Settings by id.
pub type Bundles = HashMap<SettingsId, Settings>;

/// The change by which a member came to have a setting as it is: of all their changes, newest
/// first, the first one that changes its value.
#[must_use]
pub fn origin<'a>(name: SettingName, changes: &'a [Recorded], bundles: &Bundles) -> Option<&'a Recorded> {
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
pub struct Explainee<'a> {
    /// Who decides about email export.
    pub phase: Phase,
    /// Whether the member is active.
    pub active: bool,
    /// Whether the member waits for a seat.
    pub waits_for_seat: bool,
    /// What the member has been given.
    pub settings: &'a Settings,
    /// The member's email export; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
    /// The old setting; decides in phase LEGACY.
    pub legacy: Option<bool>,
}

/// How a member came to have a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By this change.
    Change(Box<Recorded>),
    /// From the old settings page, in phase LEGACY.
    Legacy,
    /// No change is kept that says it.
    Unknown,
}

/// Where one setting of a member came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingOrigin {
    /// The setting.
    pub name: SettingName,
    /// Its value as text.
    pub value: String,
    /// How the member came to have it.
    pub origin: Origin,
    /// Whether it is in effect.
    pub effective: bool,
}

impl SettingOrigin {
    /// Since when the member has the value without interruption. Email export that was carried over,
    /// or still is the old setting, is as it was since always (product.md 4.7).
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
pub fn explain_settings(member: &Explainee<'_>, changes: &[Recorded], bundles: &Bundles) -> Vec<SettingOrigin> {
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

/// What a member's email export was at a time when they were known. `newest` is the newest change of it
/// up to then; where that gave them no setting of their own, or there is none, the old one answered.
/// Of those only the one that was imported last is kept: `legacy`.
#[must_use]
pub fn export_at(newest: Option<&Recorded>, legacy: Option<bool>) -> MemberExport {
    newest.and_then(|recorded| recorded.change.after.export).unwrap_or_else(|| MemberExport::legacy(legacy))
}

//! Explanations of a member's assignment and settings, and the history of the member's email export.

use rollcall_app::members::ExportHistory;
use rollcall_domain::{
    Cause, OrganizationId,
    explain::{AssignmentVerdict, Verdict},
    history::{Origin, RecordedChange, SettingName, SettingOrigin},
    names,
    resolution::Why,
};
use rollcall_proto::v1;

use super::{
    enums::{to_optional_email_export, to_source},
    to_timestamp,
};
use crate::tokens;

pub(crate) fn to_verdict(organization: &OrganizationId, explained: &AssignmentVerdict) -> v1::AssignmentVerdict {
    let verdict = match explained.verdict {
        Verdict::Wins(Why::FirstMatch) => v1::Verdict::FirstMatch,
        Verdict::Wins(Why::Pinned) => v1::Verdict::Pinned,
        Verdict::Wins(Why::StaysInManual) => v1::Verdict::StaysInManual,
        Verdict::Wins(Why::NoOtherMatches) => v1::Verdict::NoOtherMatches,
        Verdict::NoSharedGroup => v1::Verdict::NoSharedGroup,
        Verdict::ComesLater => v1::Verdict::ComesLater,
        Verdict::PinnedElsewhere => v1::Verdict::PinnedElsewhere,
        Verdict::HeldElsewhere => v1::Verdict::HeldElsewhere,
    };
    v1::AssignmentVerdict {
        assignment: names::assignment(organization, &explained.assignment),
        display_name: explained.display_name.clone(),
        rank: explained.rank.cast_signed(),
        verdict: verdict.into(),
        shared_groups: explained.shared.iter().map(|group| names::group(organization, group)).collect(),
    }
}

pub(crate) fn to_origin(organization: &OrganizationId, origin: &SettingOrigin) -> v1::SettingOrigin {
    let shown = v1::SettingOrigin {
        setting: path(origin.name).to_owned(),
        value: origin.value.clone(),
        since: origin.since().map(to_timestamp),
        effective: origin.effective,
        ..Default::default()
    };
    match &origin.origin {
        Origin::Unknown => shown,
        Origin::Legacy => v1::SettingOrigin { cause: v1::SettingCause::Legacy.into(), ..shown },
        Origin::Change(recorded) => v1::SettingOrigin {
            cause: to_cause(recorded.change.cause),
            assignment: names::assignment(organization, &recorded.change.after.assignment),
            actor: recorded.actor.clone(),
            revision: tokens::revision(organization, recorded.revision),
            ..shown
        },
    }
}

/// Returns the path of a setting in `Member`.
fn path(name: SettingName) -> &'static str {
    match name {
        SettingName::Seats => "settings.seats",
        SettingName::HomeWorkspace => "settings.home_workspace",
        SettingName::Permissions => "settings.permissions",
        SettingName::WebConferencesRecorded => "settings.data_capture.web_conferences_recorded",
        SettingName::PreventWebConferenceRecording => "settings.data_capture.prevent_web_conference_recording",
        SettingName::TelephonyCallsImported => "settings.data_capture.telephony_calls_imported",
        SettingName::EmailsImported => "settings.data_capture.emails_imported",
        SettingName::PreventEmailImport => "settings.data_capture.prevent_email_import",
        SettingName::NonRecordedMeetingsImported => "settings.data_capture.non_recorded_meetings_imported",
        SettingName::GongConnectEnabled => "settings.data_capture.gong_connect_enabled",
        SettingName::EmailExport => "email_export",
    }
}

pub(crate) fn to_cause(cause: Cause) -> i32 {
    match cause {
        Cause::AssignmentEdited => v1::SettingCause::AssignmentEdited,
        Cause::EnteredAssignment => v1::SettingCause::EnteredAssignment,
        Cause::EditedByHand => v1::SettingCause::EditedByHand,
        Cause::BecameActive => v1::SettingCause::BecameActive,
        Cause::Migration => v1::SettingCause::Migration,
        Cause::RolledBack => v1::SettingCause::MigrationRolledBack,
    }
    .into()
}

pub(crate) fn to_export_change(organization: &OrganizationId, recorded: &RecordedChange) -> v1::EmailExportChange {
    let RecordedChange { change, revision, time, actor } = recorded;
    let after = change.after.export;
    v1::EmailExportChange {
        time: Some(to_timestamp(*time)),
        before: to_optional_email_export(change.export_before()),
        after: to_optional_email_export(change.export_after()),
        email_export_since: after.and_then(|export| export.setting.start()).map(to_timestamp),
        source: to_source(after.map(|export| export.source)),
        cause: to_cause(change.cause),
        actor: actor.clone(),
        assignment: names::assignment(organization, &change.after.assignment),
        revision: tokens::revision(organization, *revision),
    }
}

pub(crate) fn to_export_at_time(history: &ExportHistory) -> v1::EmailExportAtTime {
    let export = history.export;
    v1::EmailExportAtTime {
        time: Some(to_timestamp(history.time)),
        email_export: to_optional_email_export(export.map(|export| export.setting.value())),
        email_export_since: export.and_then(|export| export.setting.start()).map(to_timestamp),
        source: to_source(export.map(|export| export.source)),
    }
}

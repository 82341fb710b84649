//! Between the domain's values and the words in columns.

use rollcall_domain::{
    Cause, Held, Phase, SettingsId, Timestamp, UpdateMode,
    email_export::{EmailExport, MemberExport, Setting, Since, Source},
};
use uuid::Uuid;

use crate::{Error, Result};

pub(crate) fn phase(word: &str) -> Result<Phase> {
    match word {
        "LEGACY" => Ok(Phase::Legacy),
        "MIGRATED" => Ok(Phase::Migrated),
        other => Err(Error::corrupt(format!("unknown phase {other}"))),
    }
}

pub(crate) fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Legacy => "LEGACY",
        Phase::Migrated => "MIGRATED",
    }
}

pub(crate) fn update_mode(word: &str) -> Result<UpdateMode> {
    match word {
        "MANUAL_EDITING" => Ok(UpdateMode::ManualEditing),
        "AUTOMATIC_UPDATES" => Ok(UpdateMode::AutomaticUpdates),
        other => Err(Error::corrupt(format!("unknown update mode {other}"))),
    }
}

pub(crate) fn email_export(word: &str) -> Result<EmailExport> {
    match word {
        "EXPORT" => Ok(EmailExport::Export),
        "DO_NOT_EXPORT" => Ok(EmailExport::DoNotExport),
        other => Err(Error::corrupt(format!("unknown email export {other}"))),
    }
}

pub(crate) fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::AssignmentEdited => "ASSIGNMENT_EDITED",
        Cause::EnteredAssignment => "ENTERED_ASSIGNMENT",
        Cause::EditedByHand => "EDITED_BY_HAND",
        Cause::BecameActive => "BECAME_ACTIVE",
        Cause::Migration => "MIGRATION",
        Cause::RolledBack => "ROLLED_BACK",
    }
}

pub(crate) fn cause(word: &str) -> Result<Cause> {
    match word {
        "ASSIGNMENT_EDITED" => Ok(Cause::AssignmentEdited),
        "ENTERED_ASSIGNMENT" => Ok(Cause::EnteredAssignment),
        "EDITED_BY_HAND" => Ok(Cause::EditedByHand),
        "BECAME_ACTIVE" => Ok(Cause::BecameActive),
        "MIGRATION" => Ok(Cause::Migration),
        "ROLLED_BACK" => Ok(Cause::RolledBack),
        other => Err(Error::corrupt(format!("unknown cause {other}"))),
    }
}

pub(crate) fn settings_uuid(id: SettingsId) -> Uuid {
    Uuid::from_bytes(id.0)
}

pub(crate) fn settings_id(uuid: Uuid) -> SettingsId {
    SettingsId(uuid.into_bytes())
}

/// The three columns of a member's setting, as they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExportWords {
    pub(crate) value: Option<&'static str>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) source: Option<&'static str>,
}

pub(crate) fn export_words(held: Option<&Held>) -> ExportWords {
    let Some(export) = held.and_then(|held| held.export) else { return ExportWords::default() };
    let since = match export.setting {
        Setting::Export(Since::At(start)) => Some(start),
        _ => None,
    };
    ExportWords { value: Some(export.setting.value().as_str()), since, source: Some(export.source.as_str()) }
}

/// Reads the three columns back.
pub(crate) fn member_export(
    value: Option<&str>,
    since: Option<Timestamp>,
    source: Option<&str>,
) -> Result<Option<MemberExport>> {
    let (Some(value), Some(source)) = (value, source) else { return Ok(None) };
    let setting = match email_export(value)? {
        EmailExport::DoNotExport => Setting::DoNotExport,
        EmailExport::Export => Setting::Export(since.map_or(Since::Always, Since::At)),
    };
    let source = match source {
        "ASSIGNMENT" => Source::Assignment,
        "EDITED_BY_HAND" => Source::EditedByHand,
        "MIGRATION" => Source::Migration,
        other => return Err(Error::corrupt(format!("unknown source {other}"))),
    };
    Ok(Some(MemberExport { setting, source }))
}

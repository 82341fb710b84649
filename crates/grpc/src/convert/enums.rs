//! Conversions between the enums of the domain and those of the contract, for enums whose values have the same names.

use rollcall_app::{jobs::RunState, migration::MigrationState, reports::MissingReason};
use rollcall_domain::{
    Phase, UpdateMode, Violation,
    email_export::{EmailExport, Reason, Source, State},
    lint::LintRule,
    self_check::CheckRule,
};
use rollcall_proto::v1;

/// Defines a function that returns the number of a value in the contract.
macro_rules! to_proto {
    ($to:ident: $domain:ident = $proto:ident { $($variant:ident),* $(,)? }) => {
        pub(crate) fn $to(value: $domain) -> i32 {
            match value {
                $($domain::$variant => v1::$proto::$variant.into(),)*
            }
        }
    };
}

/// Defines a function that returns the value of a number in the contract; `None` for UNSPECIFIED.
macro_rules! from_proto {
    ($parse:ident: $domain:ident = $proto:ident { $($variant:ident),* $(,)? }) => {
        pub(crate) fn $parse(value: i32) -> Result<Option<$domain>, Violation> {
            match v1::$proto::try_from(value) {
                Ok(v1::$proto::Unspecified) => Ok(None),
                $(Ok(v1::$proto::$variant) => Ok(Some($domain::$variant)),)*
                Err(_) => Err(unknown_value(value)),
            }
        }
    };
}

to_proto! { to_update_mode: UpdateMode = UpdateMode { ManualEditing, AutomaticUpdates } }
from_proto! { parse_update_mode: UpdateMode = UpdateMode { ManualEditing, AutomaticUpdates } }

to_proto! { to_email_export: EmailExport = EmailExport { Export, DoNotExport } }
from_proto! { parse_email_export: EmailExport = EmailExport { Export, DoNotExport } }

to_proto! { to_phase: Phase = Phase { Migrated, Legacy } }
from_proto! { parse_phase: Phase = Phase { Migrated, Legacy } }

to_proto! { to_migration_state: MigrationState = MigrationState { Pending, Migrated, Failed, RolledBack } }
from_proto! { parse_migration_state: MigrationState = MigrationState { Pending, Migrated, Failed, RolledBack } }

to_proto! { to_email_export_state: State = EmailExportState { Export, DoNotExport, Mixed } }
to_proto! { to_email_export_source: Source = EmailExportSource { Assignment, EditedByHand, Migration, Legacy } }
to_proto! {
    to_reason: Reason = EmailExportReason {
        Exported, SettingIsDoNotExport, SentBeforeExportWasEnabled, MemberInactive, MemberUnknown,
    }
}
to_proto! {
    to_rule: LintRule = LintRule {
        NeverMatches, GroupGone, NoMembers, ContradictoryDataCapture, SeatsPending, SeatPrerequisiteMissing,
        EmailExportUnresolved,
    }
}
to_proto! {
    to_check_rule: CheckRule = CheckRule {
        DenseRanks, ChosenValue, MemberAssignment, AutomaticSettings, EmailExportPhase, PendingSeat, SeatTotal,
        MemberHistory, AuditRevisions,
    }
}
to_proto! { to_missing_reason: MissingReason = MissingOrganizationReason { InvalidRows, DatabaseFault } }
to_proto! { to_run_state: RunState = JobRunState { Pending, Running, Succeeded, Failed, Skipped, Cancelled } }

/// Returns the number of a setting; UNSPECIFIED for no setting.
pub(crate) fn to_optional_email_export(value: Option<EmailExport>) -> i32 {
    value.map(to_email_export).unwrap_or_default()
}

/// Returns the number of a source; UNSPECIFIED for no setting.
pub(crate) fn to_source(source: Option<Source>) -> i32 {
    source.map(to_email_export_source).unwrap_or_default()
}

/// Returns the number of a state; UNSPECIFIED in phase LEGACY, in which assignments have no setting.
pub(crate) fn to_state(state: State, phase: Phase) -> i32 {
    if phase == Phase::Legacy { v1::EmailExportState::Unspecified.into() } else { to_email_export_state(state) }
}

pub(crate) fn unknown_value(value: i32) -> Violation {
    Violation::invalid("", format!("{value} is not a value of this enum"))
}

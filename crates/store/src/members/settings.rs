//! Reading bundles of settings by the hash of their content.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::{pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;
use rollcall_domain::{DataCapture, Settings, SettingsId};
use uuid::Uuid;

use crate::{Error, ReadTx, Result, schema::settings};

/// The columns of settings, their id aside.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = settings, check_for_backend(Pg))]
pub(crate) struct SettingsColumns {
    seats: Vec<String>,
    home_workspace: Option<String>,
    permissions: serde_json::Value,
    web_conferences_recorded: bool,
    prevent_web_conference_recording: bool,
    telephony_calls_imported: bool,
    emails_imported: bool,
    prevent_email_import: bool,
    non_recorded_meetings_imported: bool,
    gong_connect_enabled: bool,
}

impl TryFrom<SettingsColumns> for Settings {
    type Error = Error;

    fn try_from(columns: SettingsColumns) -> Result<Self> {
        let permissions: BTreeMap<String, String> = serde_json::from_value(columns.permissions)
            .map_err(|error| Error::corrupt(format!("permissions cannot be read: {error}")))?;
        let data_capture = DataCapture {
            web_conferences_recorded: columns.web_conferences_recorded,
            prevent_web_conference_recording: columns.prevent_web_conference_recording,
            telephony_calls_imported: columns.telephony_calls_imported,
            emails_imported: columns.emails_imported,
            prevent_email_import: columns.prevent_email_import,
            non_recorded_meetings_imported: columns.non_recorded_meetings_imported,
            gong_connect_enabled: columns.gong_connect_enabled,
        };
        let seats = columns.seats.into_iter().collect();
        Ok(Self { seats, home_workspace: columns.home_workspace, permissions, data_capture })
    }
}

/// The id of settings, as their column holds it.
pub(crate) fn settings_uuid(id: SettingsId) -> Uuid {
    Uuid::from_bytes(id.0)
}

/// The id of settings, from their column.
pub(crate) fn settings_id(uuid: Uuid) -> SettingsId {
    SettingsId(uuid.into_bytes())
}

/// Reads settings by id.
///
/// # Errors
/// [`Error::Internal`] when an id is unknown.
pub async fn get_settings(tx: &mut ReadTx, ids: &BTreeSet<SettingsId>) -> Result<HashMap<SettingsId, Settings>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let (conn, organization) = tx.parts();
    let rows: Vec<(Uuid, SettingsColumns)> = settings::table
        .filter(settings::organization_id.eq(organization))
        .filter(settings::id.eq_any(ids.iter().copied().map(settings_uuid)))
        .select((settings::id, SettingsColumns::as_select()))
        .load(conn)
        .await?;
    if rows.len() < ids.len() {
        return Err(Error::corrupt("the settings of a member are missing"));
    }
    rows.into_iter().map(|(id, columns)| Ok((settings_id(id), columns.try_into()?))).collect()
}

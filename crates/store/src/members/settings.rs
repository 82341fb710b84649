//! Reading bundles of settings by the hash of their content.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{DataCapture, Settings, SettingsId};
use uuid::Uuid;

use crate::{Error, ReadTx, Result, words};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    seats: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    home_workspace: Option<String>,
    #[diesel(sql_type = Jsonb)]
    permissions: serde_json::Value,
    #[diesel(sql_type = Bool)]
    web_conferences_recorded: bool,
    #[diesel(sql_type = Bool)]
    prevent_web_conference_recording: bool,
    #[diesel(sql_type = Bool)]
    telephony_calls_imported: bool,
    #[diesel(sql_type = Bool)]
    emails_imported: bool,
    #[diesel(sql_type = Bool)]
    prevent_email_import: bool,
    #[diesel(sql_type = Bool)]
    non_recorded_meetings_imported: bool,
    #[diesel(sql_type = Bool)]
    gong_connect_enabled: bool,
}

impl Row {
    fn into_settings(self) -> Result<(Uuid, Settings)> {
        let permissions: BTreeMap<String, String> = serde_json::from_value(self.permissions)
            .map_err(|error| Error::corrupt(format!("permissions cannot be read: {error}")))?;
        let data_capture = DataCapture {
            web_conferences_recorded: self.web_conferences_recorded,
            prevent_web_conference_recording: self.prevent_web_conference_recording,
            telephony_calls_imported: self.telephony_calls_imported,
            emails_imported: self.emails_imported,
            prevent_email_import: self.prevent_email_import,
            non_recorded_meetings_imported: self.non_recorded_meetings_imported,
            gong_connect_enabled: self.gong_connect_enabled,
        };
        let seats = self.seats.into_iter().collect();
        let home_workspace = self.home_workspace;
        Ok((self.id, Settings { seats, home_workspace, permissions, data_capture }))
    }
}

/// Reads settings by id.
///
/// # Errors
/// A database that fails.
pub async fn list_settings(tx: &mut ReadTx, ids: BTreeSet<Uuid>) -> Result<HashMap<Uuid, Settings>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let (conn, organization) = tx.parts();
    let rows: Vec<Row> = diesel::sql_query("SELECT * FROM settings WHERE organization_id = $1 AND id = any($2)")
        .bind::<Text, _>(organization)
        .bind::<Array<SqlUuid>, _>(ids)
        .load(conn)
        .await?;
    rows.into_iter().map(Row::into_settings).collect()
}

/// Reads settings by id, all of which must be there.
///
/// # Errors
/// A database that fails, or an id without settings.
pub async fn get_settings(tx: &mut ReadTx, ids: &BTreeSet<SettingsId>) -> Result<HashMap<SettingsId, Settings>> {
    let found = list_settings(tx, ids.iter().copied().map(words::settings_uuid).collect()).await?;
    if found.len() < ids.len() {
        return Err(Error::corrupt("settings that somebody has are missing"));
    }
    Ok(found.into_iter().map(|(id, settings)| (words::settings_id(id), settings)).collect())
}

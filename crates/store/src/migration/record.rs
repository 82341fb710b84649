//! The record of each organization's migration, with its proof.

use diesel::{
    QueryableByName,
    pg::Pg,
    prelude::*,
    sql_types::{Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, OrganizationId, Phase, Timestamp,
    migration::{AssignmentOutcome, MigrationFilter, MigrationRecord, MigrationState, MigrationStatus, Proof},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Db, Error, ReadTx, Result, SystemConn, WriteTx,
    db::statement,
    enum_columns::EnumColumn,
    schema::{organizations, settings_migrations},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = settings_migrations, check_for_backend(Pg))]
struct RecordRow {
    state: EnumColumn<MigrationState>,
    failure: Option<String>,
    proof: Option<Value>,
    outcomes: Value,
    updated_at: Timestamp,
    chosen_assignment: Option<String>,
    set_aside_by: Option<Uuid>,
}

impl TryFrom<RecordRow> for MigrationRecord {
    type Error = Error;

    fn try_from(row: RecordRow) -> Result<Self> {
        let outcomes: Vec<AssignmentOutcome> = serde_json::from_value(row.outcomes)
            .map_err(|error| Error::corrupt(format!("the outcomes of a migration cannot be read: {error}")))?;
        Ok(Self {
            state: row.state.0,
            failure: row.failure,
            set_aside_by: row.set_aside_by,
            proof: row.proof.map(to_proof).transpose()?,
            outcomes,
            time: row.updated_at,
            first_chosen: row.chosen_assignment.map(AssignmentId::trusted),
        })
    }
}

fn to_proof(document: Value) -> Result<Proof> {
    serde_json::from_value(document)
        .map_err(|error| Error::corrupt(format!("the proof of a migration cannot be read: {error}")))
}

/// Reads the record of the organization's migration. It does not exist before the first migration, rollback or retry.
pub async fn find_record(tx: &mut ReadTx) -> Result<Option<MigrationRecord>> {
    let (conn, organization) = tx.parts();
    let row: Option<RecordRow> =
        settings_migrations::table.find(organization).select(RecordRow::as_select()).first(conn).await.optional()?;
    row.map(MigrationRecord::try_from).transpose()
}

/// Reads the record of the organization's migration without the proof and the outcomes of assignments. Unlike
/// [`find_record`], it can also read a record whose documents are damaged.
pub async fn find_record_head(tx: &mut ReadTx) -> Result<Option<MigrationRecord>> {
    type Head = (EnumColumn<MigrationState>, Option<String>, Option<Uuid>, Timestamp);
    let (conn, organization) = tx.parts();
    let columns = (
        settings_migrations::state,
        settings_migrations::failure,
        settings_migrations::set_aside_by,
        settings_migrations::updated_at,
    );
    let row = settings_migrations::table.find(organization).select(columns).first::<Head>(conn).await.optional();
    let row = row.map_err(Error::of_statement("find_record_head"))?;
    Ok(row.map(|(EnumColumn(state), failure, set_aside_by, time)| MigrationRecord {
        failure,
        set_aside_by,
        ..MigrationRecord::new(state, time)
    }))
}

/// Writes the record of the organization's migration over an earlier one.
pub(super) async fn upsert_record(tx: &mut WriteTx, record: &MigrationRecord) -> Result<()> {
    let (conn, organization) = tx.parts();
    let unwritable = |error: serde_json::Error| Error::Internal(error.into());
    let proof = record.proof.as_ref().map(serde_json::to_value).transpose().map_err(unwritable)?;
    let outcomes = serde_json::to_value(&record.outcomes).map_err(unwritable)?;
    let values = (
        settings_migrations::state.eq(record.state.as_str()),
        settings_migrations::failure.eq(record.failure.as_deref()),
        settings_migrations::set_aside_by.eq(record.set_aside_by),
        settings_migrations::proof.eq(proof),
        settings_migrations::outcomes.eq(outcomes),
        settings_migrations::updated_at.eq(record.time),
        settings_migrations::chosen_assignment.eq(record.first_chosen.as_ref().map(AssignmentId::as_str)),
    );
    diesel::insert_into(settings_migrations::table)
        .values((settings_migrations::organization_id.eq(organization), values.clone()))
        .on_conflict(settings_migrations::organization_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await
        .map_err(Error::of_statement("upsert_record"))?;
    Ok(())
}

/// Records the first value that is chosen on an assignment after a migration, unless an earlier choice is recorded.
/// From then on it is too late to roll back (product.md 7.6).
pub(crate) async fn record_first_choice(tx: &mut WriteTx, assignment: &AssignmentId) -> Result<()> {
    let (conn, organization) = tx.parts();
    diesel::update(settings_migrations::table.find(organization))
        .filter(settings_migrations::state.eq(MigrationState::Migrated.as_str()))
        .filter(settings_migrations::chosen_assignment.is_null())
        .set(settings_migrations::chosen_assignment.eq(assignment.as_str()))
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
#[diesel(table_name = organizations)]
struct ListedOrganizationRow {
    id: String,
    phase: EnumColumn<Phase>,
    wave: i32,
}

/// An organization with its migration record. All columns of the record are null for an organization without one.
#[derive(QueryableByName)]
#[diesel(table_name = settings_migrations)]
struct ListedMigrationRow {
    #[diesel(embed)]
    organization: ListedOrganizationRow,
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<EnumColumn<MigrationState>>,
    failure: Option<String>,
    proof: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    updated_at: Option<Timestamp>,
    chosen_assignment: Option<String>,
    #[diesel(sql_type = Integer)]
    unmatched: i32,
}

fn to_listed(row: ListedMigrationRow) -> Result<(OrganizationId, MigrationStatus)> {
    let record = match row.state.zip(row.updated_at) {
        None => None,
        Some((state, updated_at)) => Some(MigrationRecord {
            failure: row.failure,
            proof: row.proof.map(to_proof).transpose()?,
            first_chosen: row.chosen_assignment.map(AssignmentId::trusted),
            ..MigrationRecord::new(state.0, updated_at)
        }),
    };
    let ListedOrganizationRow { id, phase, wave } = row.organization;
    let (phase, wave) = (phase.0, wave.unsigned_abs());
    let unmatched = row.unmatched.unsigned_abs();
    Ok((OrganizationId::trusted(id), MigrationStatus { phase, wave, record, unmatched }))
}

/// Reads up to `limit` migrations after the organization `after`, in byte order of the organizations' ids. The outcomes
/// of the assignments are left out, and so are organizations that were created migrated.
pub async fn list_migrations(
    db: &Db,
    filter: MigrationFilter,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<(OrganizationId, MigrationStatus)>> {
    db.read_all("list_migrations", async |conn: &mut SystemConn| {
        let rows: Vec<ListedMigrationRow> = statement!(
            "list_migrations",
            after.unwrap_or_default(),
            filter.state.map(MigrationState::as_str),
            i64::from(limit),
            filter.wave.map(u32::cast_signed)
        )
        .load(conn)
        .await?;
        rows.into_iter().map(to_listed).collect()
    })
    .await
}

//! How far each organization's migration is, with its proof.

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{AssignmentId, OrganizationId, Phase, Timestamp};
use serde_json::Value;

use crate::{Db, Error, ReadTx, Result, SystemConn, WriteTx, enum_columns::EnumColumn, schema::settings_migrations};

/// How far the migration of an organization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// The next run of the job migrates it. Without a row it is pending, too.
    Pending,
    /// Migrated and proved.
    Migrated,
    /// The proof or the migration failed; the organization is as it was.
    Failed,
    /// Rolled back on request.
    RolledBack,
}

impl MigrationState {
    /// The word in the column and in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Migrated => "MIGRATED",
            Self::Failed => "FAILED",
            Self::RolledBack => "ROLLED_BACK",
        }
    }

    fn parse(word: &str) -> Result<Self> {
        let all = [Self::Pending, Self::Migrated, Self::Failed, Self::RolledBack];
        let state = all.into_iter().find(|state| state.as_str() == word);
        state.ok_or_else(|| Error::corrupt(format!("unknown migration state {word}")))
    }
}

/// The stored state. Proof and outcomes are documents that the use cases write and read.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMigration {
    /// How far it is.
    pub state: MigrationState,
    /// Why it failed.
    pub failure: Option<String>,
    /// What was compared.
    pub proof: Option<Value>,
    /// What came of each assignment.
    pub outcomes: Value,
    /// When the state last changed.
    pub updated_at: Timestamp,
    /// The first assignment on which a value was chosen since; it may be gone.
    pub chosen: Option<AssignmentId>,
}

/// Reads the state of the organization's migration.
///
/// # Errors
/// A database that fails.
pub async fn find_migration(tx: &mut ReadTx) -> Result<Option<StoredMigration>> {
    type Row = (String, Option<String>, Option<Value>, Value, Timestamp, Option<String>);
    let (conn, organization) = tx.parts();
    let row: Option<Row> = settings_migrations::table
        .find(organization)
        .select((
            settings_migrations::state,
            settings_migrations::failure,
            settings_migrations::proof,
            settings_migrations::outcomes,
            settings_migrations::updated_at,
            settings_migrations::chosen_assignment,
        ))
        .first(conn)
        .await
        .optional()?;
    let Some((state, failure, proof, outcomes, updated_at, chosen)) = row else { return Ok(None) };
    let (state, chosen) = (MigrationState::parse(&state)?, chosen.map(AssignmentId::trusted));
    Ok(Some(StoredMigration { state, failure, proof, outcomes, updated_at, chosen }))
}

/// Writes the state of the organization's migration, at the time of this write. Nothing was chosen since.
///
/// # Errors
/// A database that fails.
pub async fn upsert_migration(
    tx: &mut WriteTx,
    state: MigrationState,
    failure: Option<&str>,
    proof: Option<&Value>,
    outcomes: &Value,
) -> Result<()> {
    let now = tx.now();
    let (conn, organization) = tx.parts();
    let values = (
        settings_migrations::state.eq(state.as_str()),
        settings_migrations::failure.eq(failure),
        settings_migrations::proof.eq(proof),
        settings_migrations::outcomes.eq(outcomes),
        settings_migrations::updated_at.eq(now),
        settings_migrations::chosen_assignment.eq(None::<&str>),
    );
    diesel::insert_into(settings_migrations::table)
        .values((settings_migrations::organization_id.eq(organization), values))
        .on_conflict(settings_migrations::organization_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that a value was chosen on an assignment, if it is the first since a migration.
pub(crate) async fn note_chosen(tx: &mut WriteTx, assignment: &AssignmentId) -> Result<()> {
    let (conn, organization) = tx.parts();
    diesel::update(settings_migrations::table.find(organization))
        .filter(settings_migrations::state.eq(MigrationState::Migrated.as_str()))
        .filter(settings_migrations::chosen_assignment.is_null())
        .set(settings_migrations::chosen_assignment.eq(assignment.as_str()))
        .execute(conn)
        .await?;
    Ok(())
}

/// How far one of many organizations is.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedMigration {
    /// The organization.
    pub organization: OrganizationId,
    /// Who decides there.
    pub phase: Phase,
    /// In which wave it goes.
    pub wave: u32,
    /// The stored state; `None` while it is pending for the first time.
    pub stored: Option<StoredMigration>,
    /// Old settings that wait for a member.
    pub unmatched: u32,
}

#[derive(QueryableByName)]
struct ListedRow {
    #[diesel(sql_type = Text)]
    organization_id: String,
    #[diesel(sql_type = Text)]
    phase: EnumColumn<Phase>,
    #[diesel(sql_type = Integer)]
    wave: i32,
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    failure: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    proof: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    updated_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    chosen_assignment: Option<String>,
    #[diesel(sql_type = Integer)]
    unmatched: i32,
}

impl TryFrom<ListedRow> for ListedMigration {
    type Error = Error;

    fn try_from(row: ListedRow) -> Result<Self> {
        let stored = match row.state.zip(row.updated_at) {
            None => None,
            Some((state, updated_at)) => Some(StoredMigration {
                state: MigrationState::parse(&state)?,
                failure: row.failure,
                proof: row.proof,
                outcomes: Value::Array(Vec::new()),
                updated_at,
                chosen: row.chosen_assignment.map(AssignmentId::trusted),
            }),
        };
        Ok(Self {
            organization: OrganizationId::trusted(row.organization_id),
            phase: row.phase.0,
            wave: row.wave.unsigned_abs(),
            stored,
            unmatched: row.unmatched.unsigned_abs(),
        })
    }
}

/// Which migrations to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Those in one state only.
    pub state: Option<MigrationState>,
    /// Those of one wave only.
    pub wave: Option<u32>,
}

/// Reads up to `limit` migrations after an organization, in byte order of their ids. Outcomes are left out.
///
/// # Errors
/// A database that fails.
pub async fn list_migrations(db: &Db, listed: Listed, after: Option<&str>, limit: u32) -> Result<Vec<ListedMigration>> {
    db.system("list_migrations", async |conn: &mut SystemConn| {
        let rows: Vec<ListedRow> = diesel::sql_query(include_str!("../sql/list_migrations.sql"))
            .bind::<Text, _>(after.unwrap_or_default())
            .bind::<Nullable<Text>, _>(listed.state.map(MigrationState::as_str))
            .bind::<BigInt, _>(i64::from(limit))
            .bind::<Nullable<Integer>, _>(listed.wave.map(u32::cast_signed))
            .load(conn)
            .await?;
        rows.into_iter().map(ListedMigration::try_from).collect()
    })
    .await
}

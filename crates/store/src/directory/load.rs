//! Reading the part of the directory that a sync needs.

use std::collections::HashMap;

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, Bool, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use futures::TryStreamExt as _;
use rollcall_domain::{
    AssignmentId, Email, GroupId, Held, MemberId, Phase,
    directory::{Directory, KnownGroup, KnownMember, Memberships, ParsedRows, SyncMode},
};
use uuid::Uuid;

use crate::{
    Error, ReadTx, Result,
    db::{load, run_statement},
    domain_columns::CountColumn,
    enum_columns::ExportColumns,
    members::{identity::IdentityColumns, settings::settings_id},
    schema::{groups, members},
};

/// Reads the part of the directory that the rows of a sync concern: for a FULL sync all of it; for a DELTA sync the
/// members and groups that the rows name, and the active members who hold one of their addresses. So a DELTA sync costs
/// the same in an organization of any size.
pub async fn list_directory(tx: &mut ReadTx, rows: &ParsedRows) -> Result<Directory> {
    let emails: Vec<&Email> = rows.emails().collect();
    let (named, named_groups, holders) = match rows.mode {
        SyncMode::Full => (None, None, Vec::new()),
        SyncMode::Delta => {
            let named = rows.named_members().into_iter().map(MemberId::as_str).collect::<Vec<_>>();
            let groups = rows.named_groups().into_iter().map(GroupId::as_str).collect();
            (Some(named), Some(groups), emails.iter().map(|email| email.as_str()).collect())
        }
    };
    let members = list_known_members(tx, named.as_deref(), &holders).await?;
    let groups = list_known_groups(tx, named_groups).await?;
    let loaded = named.map(|_| members.keys().map(MemberId::as_str).collect::<Vec<_>>());
    let memberships = list_memberships(tx, loaded.as_deref(), &groups).await?;
    let unmatched = match tx.organization().phase {
        Phase::Legacy => crate::migration::list_unmatched(tx, &emails).await?,
        Phase::Migrated => HashMap::new(),
    };
    let active_members = match rows.mode {
        SyncMode::Full => members.values().filter(|member| member.active).count().try_into().unwrap_or(u32::MAX),
        SyncMode::Delta => count_active(tx, members.len()).await?,
    };
    Ok(Directory { members, groups, memberships, unmatched, active_members })
}

#[derive(QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
struct KnownMemberRow {
    id: String,
    #[diesel(embed)]
    identity: IdentityColumns,
    active: bool,
    assignment_id: String,
    settings_id: Uuid,
    #[diesel(embed)]
    export: ExportColumns,
    #[diesel(sql_type = Bool)]
    has_legacy: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pin: Option<String>,
}

impl From<KnownMemberRow> for (MemberId, KnownMember) {
    fn from(row: KnownMemberRow) -> Self {
        let known = KnownMember {
            identity: row.identity.into(),
            active: row.active,
            held: Held {
                assignment: AssignmentId::trusted(row.assignment_id),
                settings: settings_id(row.settings_id),
                export: row.export.into_export(),
            },
            pin: row.pin.map(AssignmentId::trusted),
            has_legacy: row.has_legacy,
        };
        (MemberId::trusted(row.id), known)
    }
}

/// Reads the rows one by one: all rows and the map together would take twice the memory.
async fn list_known_members(
    tx: &mut ReadTx,
    members: Option<&[&str]>,
    holders: &[&str],
) -> Result<HashMap<MemberId, KnownMember>> {
    let name_error = Error::of_statement("list_known_members");
    let rows = run_statement!(load_stream, tx, "list_known_members", members, holders).await.map_err(&name_error)?;
    rows.map_ok(|row: KnownMemberRow| row.into()).try_collect().await.map_err(name_error)
}

/// Reads the given groups, or all groups for `None`.
async fn list_known_groups(tx: &mut ReadTx, named: Option<Vec<&str>>) -> Result<HashMap<GroupId, KnownGroup>> {
    let (conn, organization) = tx.parts();
    let of_organization = groups::table.filter(groups::organization_id.eq(organization)).select((
        groups::id,
        groups::display_name,
        groups::present,
    ));
    let rows: Vec<(String, String, bool)> = match named {
        Some(named) => of_organization.filter(groups::id.eq_any(named)).load(conn).await?,
        None => of_organization.load(conn).await?,
    };
    let known = |(id, display_name, present): (String, String, bool)| {
        (GroupId::trusted(id), KnownGroup { display_name, present })
    };
    Ok(rows.into_iter().map(known).collect())
}

#[derive(QueryableByName)]
struct MembershipsRow {
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Array<Text>)]
    groups: Vec<String>,
}

/// Reads the rows one by one, like [`list_known_members`].
async fn list_memberships(
    tx: &mut ReadTx,
    members: Option<&[&str]>,
    known: &HashMap<GroupId, KnownGroup>,
) -> Result<Memberships> {
    // Many members have the same group: they share its id.
    let shared: HashMap<&str, &GroupId> = known.keys().map(|id| (id.as_str(), id)).collect();
    let share = |id: String| shared.get(id.as_str()).map_or_else(|| GroupId::trusted(id.as_str()), |id| (*id).clone());
    let entry = |row: MembershipsRow| (MemberId::trusted(row.member_id), row.groups.into_iter().map(share).collect());
    let name_error = Error::of_statement("list_memberships");
    let rows = run_statement!(load_stream, tx, "list_memberships", members).await.map_err(&name_error)?;
    rows.map_ok(entry).try_collect().await.map_err(name_error)
}

#[derive(QueryableByName)]
struct ActiveRow {
    #[diesel(sql_type = Integer, deserialize_as = CountColumn)]
    active: u32,
}

/// Counts the active members, as far as the limit needs the number for a sync that can touch `touched` members.
async fn count_active(tx: &mut ReadTx, touched: usize) -> Result<u32> {
    let touched = u32::try_from(touched).unwrap_or(u32::MAX);
    let most = tx.organization().mass_change_limit.active_members_to_count(touched);
    if most == 0 {
        return Ok(0);
    }
    let rows: Vec<ActiveRow> = load!(tx, "count_active_members", i64::from(most)).await?;
    Ok(rows.into_iter().next().map_or(0, |row| row.active))
}

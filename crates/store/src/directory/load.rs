//! Reading the part of the directory that a sync needs.

use std::collections::HashMap;

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, Bool, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, Email, GroupId, Held, MemberId, Phase,
    directory::{Directory, KnownGroup, KnownMember, Memberships, ParsedRows, SyncMode},
};
use uuid::Uuid;

use crate::{
    ReadTx, Result,
    db::load,
    enum_columns::ExportColumns,
    members::{identity::IdentityColumns, settings::settings_id},
    schema::{groups, members},
};

/// Reads the part of the directory that the rows of a sync concern: for a FULL sync all of it; for a DELTA sync the
/// members that the rows name, and the active members who hold one of their addresses.
pub async fn list_directory(tx: &mut ReadTx, rows: &ParsedRows) -> Result<Directory> {
    let emails: Vec<&Email> = rows.emails().collect();
    let (named, holders) = match rows.mode {
        SyncMode::Full => (None, Vec::new()),
        SyncMode::Delta => {
            let named = rows.named_members().into_iter().map(MemberId::as_str).collect::<Vec<_>>();
            (Some(named), emails.iter().map(|email| email.as_str()).collect())
        }
    };
    let members = list_known_members(tx, named.as_deref(), &holders).await?;
    let groups = list_known_groups(tx).await?;
    let loaded = named.map(|_| members.keys().map(MemberId::as_str).collect::<Vec<_>>());
    let memberships = list_memberships(tx, loaded.as_deref(), &groups).await?;
    let unmatched = match tx.organization().phase {
        Phase::Legacy => crate::migration::list_unmatched(tx, &emails).await?,
        Phase::Migrated => HashMap::new(),
    };
    let active_members = count_active(tx).await?;
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

async fn list_known_members(
    tx: &mut ReadTx,
    members: Option<&[&str]>,
    holders: &[&str],
) -> Result<HashMap<MemberId, KnownMember>> {
    let rows: Vec<KnownMemberRow> = load!(tx, "list_known_members", members, holders).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

async fn list_known_groups(tx: &mut ReadTx) -> Result<HashMap<GroupId, KnownGroup>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<(String, String, bool)> = groups::table
        .filter(groups::organization_id.eq(organization))
        .select((groups::id, groups::display_name, groups::present))
        .load(conn)
        .await?;
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

async fn list_memberships(
    tx: &mut ReadTx,
    members: Option<&[&str]>,
    known: &HashMap<GroupId, KnownGroup>,
) -> Result<Memberships> {
    let rows: Vec<MembershipsRow> = load!(tx, "list_memberships", members).await?;
    // Many members have the same group: they share its id.
    let shared: HashMap<&str, &GroupId> = known.keys().map(|id| (id.as_str(), id)).collect();
    let share = |id: String| shared.get(id.as_str()).map_or_else(|| GroupId::trusted(id.as_str()), |id| (*id).clone());
    let entry = |row: MembershipsRow| (MemberId::trusted(row.member_id), row.groups.into_iter().map(share).collect());
    Ok(rows.into_iter().map(entry).collect())
}

async fn count_active(tx: &mut ReadTx) -> Result<u32> {
    let (conn, organization) = tx.parts();
    let active = members::table.filter(members::organization_id.eq(organization)).filter(members::active);
    let count: i64 = active.count().get_result(conn).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

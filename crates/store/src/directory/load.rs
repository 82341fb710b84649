//! What is stored, as far as a sync has to know.

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, Email, GroupId, Held, MemberId, Phase, Timestamp,
    directory::{Directory, Identity, KnownGroup, KnownMember, Memberships, ParsedRows, SyncMode},
};
use uuid::Uuid;

use crate::{ReadTx, Result, words};

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
    let waiting = match tx.organization().phase {
        Phase::Legacy => crate::migration::list_unmatched(tx, &emails).await?,
        Phase::Migrated => HashMap::new(),
    };
    let active_members = count_active(tx).await?;
    Ok(Directory { members, groups, memberships, waiting, active_members })
}

#[derive(QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    given_name: String,
    #[diesel(sql_type = Text)]
    family_name: String,
    #[diesel(sql_type = Text)]
    job_title: String,
    #[diesel(sql_type = Nullable<Text>)]
    manager_email: Option<String>,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(sql_type = SqlUuid)]
    settings_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    email_export: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    email_export_since: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_source: Option<String>,
    #[diesel(sql_type = Bool)]
    has_legacy: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pin: Option<String>,
}

impl MemberRow {
    fn into_known(self) -> Result<(MemberId, KnownMember)> {
        let export = words::member_export(
            self.email_export.as_deref(),
            self.email_export_since,
            self.email_export_source.as_deref(),
        )?;
        let known = KnownMember {
            identity: Identity {
                email: Email::trusted(self.email),
                given_name: self.given_name,
                family_name: self.family_name,
                job_title: self.job_title,
                manager_email: self.manager_email.map(Email::trusted),
            },
            active: self.active,
            held: Held {
                assignment: AssignmentId::trusted(self.assignment_id),
                settings: words::settings_id(self.settings_id),
                export,
            },
            pin: self.pin.map(AssignmentId::trusted),
            has_legacy: self.has_legacy,
        };
        Ok((MemberId::trusted(self.id), known))
    }
}

async fn list_known_members(
    tx: &mut ReadTx,
    members: Option<&[&str]>,
    holders: &[&str],
) -> Result<HashMap<MemberId, KnownMember>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<MemberRow> = diesel::sql_query(include_str!("../sql/list_known_members.sql"))
        .bind::<Text, _>(organization)
        .bind::<Nullable<Array<Text>>, _>(members)
        .bind::<Array<Text>, _>(holders)
        .load(conn)
        .await?;
    rows.into_iter().map(MemberRow::into_known).collect()
}

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    display_name: String,
    #[diesel(sql_type = Bool)]
    present: bool,
}

async fn list_known_groups(tx: &mut ReadTx) -> Result<HashMap<GroupId, KnownGroup>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<GroupRow> =
        diesel::sql_query("SELECT id, display_name, present FROM groups WHERE organization_id = $1")
            .bind::<Text, _>(organization)
            .load(conn)
            .await?;
    let known =
        |row: GroupRow| (GroupId::trusted(row.id), KnownGroup { display_name: row.display_name, present: row.present });
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
    let (conn, organization) = tx.parts();
    let rows: Vec<MembershipsRow> = diesel::sql_query(include_str!("../sql/list_memberships.sql"))
        .bind::<Text, _>(organization)
        .bind::<Nullable<Array<Text>>, _>(members)
        .load(conn)
        .await?;
    // A group has many members: they share its id.
    let shared: HashMap<&str, &GroupId> = known.keys().map(|id| (id.as_str(), id)).collect();
    let share = |id: String| shared.get(id.as_str()).map_or_else(|| GroupId::trusted(id.as_str()), |id| (*id).clone());
    let entry = |row: MembershipsRow| (MemberId::trusted(row.member_id), row.groups.into_iter().map(share).collect());
    Ok(rows.into_iter().map(entry).collect())
}

#[derive(QueryableByName)]
struct Active {
    #[diesel(sql_type = Integer)]
    members: i32,
}

async fn count_active(tx: &mut ReadTx) -> Result<u32> {
    let (conn, organization) = tx.parts();
    let sql = "SELECT count(*)::integer AS members FROM members WHERE organization_id = $1 AND active";
    let row: Active = diesel::sql_query(sql).bind::<Text, _>(organization).get_result(conn).await?;
    Ok(row.members.unsigned_abs())
}

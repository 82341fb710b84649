//! Copies many rows with one binary COPY for each table, which is the fastest way.

use std::{pin::pin, time::SystemTime};

use rollcall_bench::{Result, directory::SampleDirectory};
use tokio_postgres::{
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::{FloorStatements, Write};

const TEXT: Type = Type::TEXT;

/// A row of columns to copy.
type Row<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

/// Copies rows. `target` is the table with its columns.
async fn copy<'a, const N: usize>(
    write: &Write<'_>,
    target: &str,
    types: [Type; N],
    rows: impl Iterator<Item = Row<'a, N>>,
) -> Result {
    let sink = write.tx.copy_in(&format!("COPY {target} FROM STDIN (FORMAT binary)")).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for row in rows {
        writer.as_mut().write(&row).await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}

/// Copies all members with their assignments and settings.
pub(super) async fn members(write: &Write<'_>, directory: &SampleDirectory, prepared: &FloorStatements) -> Result {
    let target = "members (
                      organization_id, id, email, given_name, family_name, job_title, manager_email, active,
                      assignment_id, settings_id, email_export, email_export_since, email_export_source,
                      updated_revision, created_at, updated_at
                  )";
    let types = [
        [TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, Type::BOOL],
        [TEXT, Type::UUID, TEXT, Type::TIMESTAMPTZ, TEXT, Type::INT8, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ],
    ];
    let types: [Type; 16] = std::array::from_fn(|column| types.as_flattened()[column].clone());
    let (exporting_since, no_start) = (Some(write.now), None);
    let rows = directory.people.iter().zip(&prepared.homes).map(|(person, home)| -> Row<'_, 16> {
        let home = &prepared.assignments[*home];
        let since: &Option<SystemTime> = if home.export == "EXPORT" { &exporting_since } else { &no_start };
        [
            &write.organization,
            &person.id,
            &person.email,
            &person.given_name,
            &person.family_name,
            &person.job_title,
            &person.manager_email,
            &person.active,
            &home.id,
            &home.settings,
            &home.export,
            since,
            &"ASSIGNMENT",
            &write.revision,
            &write.now,
            &write.now,
        ]
    });
    copy(write, target, types, rows).await
}

/// Copies all memberships in the order of their primary key.
pub(super) async fn memberships(write: &Write<'_>, directory: &SampleDirectory) -> Result {
    let row = |(member, group): &(usize, usize)| -> Row<'_, 3> {
        [&write.organization, &directory.people[*member].id, &directory.groups[*group].0]
    };
    let target = "memberships (organization_id, member_id, group_id)";
    copy(write, target, [TEXT, TEXT, TEXT], directory.memberships.iter().map(row)).await
}

/// Copies the whole directory, unchanged, into tables that Postgres drops with the transaction.
pub(super) async fn directory(write: &Write<'_>, directory: &SampleDirectory) -> Result {
    let sql = "CREATE TEMPORARY TABLE came_members (
                   id text COLLATE \"C\", email text COLLATE \"C\", given_name text, family_name text, job_title text,
                   manager_email text, active boolean
               ) ON COMMIT DROP;
               CREATE TEMPORARY TABLE came_groups (id text COLLATE \"C\", display_name text) ON COMMIT DROP;
               CREATE TEMPORARY TABLE came_memberships (
                   member_id text COLLATE \"C\", group_id text COLLATE \"C\"
               ) ON COMMIT DROP";
    write.tx.batch_execute(sql).await?;
    let people = directory.people.iter().map(|person| -> Row<'_, 7> {
        [
            &person.id,
            &person.email,
            &person.given_name,
            &person.family_name,
            &person.job_title,
            &person.manager_email,
            &person.active,
        ]
    });
    copy(write, "came_members", [TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, Type::BOOL], people).await?;
    let groups = directory.groups.iter().map(|(id, name)| -> Row<'_, 2> { [id, name] });
    copy(write, "came_groups", [TEXT, TEXT], groups).await?;
    let memberships = directory
        .memberships
        .iter()
        .map(|(member, group)| -> Row<'_, 2> { [&directory.people[*member].id, &directory.groups[*group].0] });
    copy(write, "came_memberships", [TEXT, TEXT], memberships).await?;
    Ok(write.tx.batch_execute("ANALYZE came_members; ANALYZE came_groups; ANALYZE came_memberships").await?)
}

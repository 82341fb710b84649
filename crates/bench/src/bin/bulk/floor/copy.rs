//! Rows that go to Postgres as one binary COPY each: nothing is faster for many.

use std::pin::pin;

use rollcall_bench::{Result, directory::Directory};
use tokio_postgres::{
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::{Prepared, Write};

const TEXT: Type = Type::TEXT;

/// All members, with what they enter.
pub(super) async fn members(write: &Write<'_>, directory: &Directory, prepared: &Prepared) -> Result {
    let sql = "COPY members (
                   organization_id, id, email, given_name, family_name, job_title, manager_email, active,
                   assignment_id, settings_id, email_export, email_export_since, email_export_source,
                   updated_revision, created_at, updated_at
               ) FROM STDIN (FORMAT binary)";
    let types = [
        [TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, Type::BOOL],
        [TEXT, Type::UUID, TEXT, Type::TIMESTAMPTZ, TEXT, Type::INT8, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ],
    ];
    let mut writer = pin!(BinaryCopyInWriter::new(write.tx.copy_in(sql).await?, types.as_flattened()));
    for (person, home) in directory.people.iter().zip(&prepared.homes) {
        let home = &prepared.assignments[*home];
        let since = (home.export == "EXPORT").then_some(write.now);
        let row: [&(dyn ToSql + Sync); 16] = [
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
            &since,
            &"ASSIGNMENT",
            &write.revision,
            &write.now,
            &write.now,
        ];
        writer.as_mut().write(&row).await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}

/// All memberships, in the order of their primary key.
pub(super) async fn memberships(write: &Write<'_>, directory: &Directory) -> Result {
    let sql = "COPY memberships (organization_id, member_id, group_id) FROM STDIN (FORMAT binary)";
    let mut writer = pin!(BinaryCopyInWriter::new(write.tx.copy_in(sql).await?, &[TEXT, TEXT, TEXT]));
    for (member, group) in &directory.memberships {
        let (member, group) = (&directory.people[*member].id, &directory.groups[*group].0);
        writer.as_mut().write(&[&write.organization, member, group]).await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}

/// The whole directory as it came, into tables that go with the transaction.
pub(super) async fn directory(write: &Write<'_>, directory: &Directory) -> Result {
    let sql = "CREATE TEMPORARY TABLE came_members (
                   id text COLLATE \"C\", email text COLLATE \"C\", given_name text, family_name text, job_title text,
                   manager_email text, active boolean
               ) ON COMMIT DROP;
               CREATE TEMPORARY TABLE came_groups (id text COLLATE \"C\", display_name text) ON COMMIT DROP;
               CREATE TEMPORARY TABLE came_memberships (
                   member_id text COLLATE \"C\", group_id text COLLATE \"C\"
               ) ON COMMIT DROP";
    write.tx.batch_execute(sql).await?;
    let sink = write.tx.copy_in("COPY came_members FROM STDIN (FORMAT binary)").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &[TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, Type::BOOL]));
    for person in &directory.people {
        let row: [&(dyn ToSql + Sync); 7] = [
            &person.id,
            &person.email,
            &person.given_name,
            &person.family_name,
            &person.job_title,
            &person.manager_email,
            &person.active,
        ];
        writer.as_mut().write(&row).await?;
    }
    writer.as_mut().finish().await?;
    let sink = write.tx.copy_in("COPY came_groups FROM STDIN (FORMAT binary)").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &[TEXT, TEXT]));
    for (id, name) in &directory.groups {
        writer.as_mut().write(&[id, name]).await?;
    }
    writer.as_mut().finish().await?;
    let sink = write.tx.copy_in("COPY came_memberships FROM STDIN (FORMAT binary)").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &[TEXT, TEXT]));
    for (member, group) in &directory.memberships {
        writer.as_mut().write(&[&directory.people[*member].id, &directory.groups[*group].0]).await?;
    }
    writer.as_mut().finish().await?;
    Ok(write.tx.batch_execute("ANALYZE came_members; ANALYZE came_groups; ANALYZE came_memberships").await?)
}

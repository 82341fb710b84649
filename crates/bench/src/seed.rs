//! Writes the organizations with SQL, with the rows that the service would write.

use tokio_postgres::Client;

use crate::Result;

/// The organization of [`large`].
pub const LARGE: &str = "large";

/// Writes organizations in a phase, each with this many members, four assignments and the default. In phase LEGACY half
/// of the members of each assignment export, so that the migration makes every assignment mixed.
///
/// # Errors
/// When the database cannot be reached.
pub async fn organizations(client: &Client, count: i32, phase: &str, members: i32) -> Result {
    client.execute(include_str!("sql/seed_organizations.sql"), &[&1, &count, &phase]).await?;
    rest(client, members).await
}

/// Writes one organization with many members, in phase MIGRATED.
///
/// # Errors
/// When the database cannot be reached.
pub async fn large(client: &Client, members: i32) -> Result {
    client.execute(include_str!("sql/seed_organizations.sql"), &[&0, &0, &"MIGRATED"]).await?;
    rest(client, members).await
}

/// Writes the settings, assignments and members of organizations without any.
async fn rest(client: &Client, members: i32) -> Result {
    client.execute(include_str!("sql/seed_settings.sql"), &[]).await?;
    client.execute(include_str!("sql/seed_assignments.sql"), &[]).await?;
    client.execute(include_str!("sql/seed_members.sql"), &[&members]).await?;
    Ok(())
}

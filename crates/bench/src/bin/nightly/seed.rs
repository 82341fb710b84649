//! Writes the organizations with SQL, with the rows that the service would write.

use rollcall_bench::Result;
use tokio_postgres::Client;

/// The number of members of each organization.
pub(crate) const MEMBERS: i32 = 1_000;
/// The organization for the team members report.
pub(crate) const LARGE: &str = "large";

/// Writes organizations in phase LEGACY with four assignments and the default. In each assignment half of the members
/// export, so that the migration makes every assignment mixed, and the report has a row for every member.
pub(crate) async fn organizations(client: &Client, count: i32) -> Result {
    client.execute(include_str!("sql/seed_organizations.sql"), &[&1, &count, &"LEGACY"]).await?;
    rest(client, MEMBERS).await
}

/// Writes one organization with many members, in phase MIGRATED.
pub(crate) async fn large(client: &Client, members: i32) -> Result {
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

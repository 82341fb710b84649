//! The organizations, written as the service would have written them, with SQL and not through the API.

use rollcall_bench::Result;
use tokio_postgres::Client;

/// Members of each organization.
pub(crate) const MEMBERS: i32 = 1_000;
/// The organization for the team members report.
pub(crate) const LARGE: &str = "large";

/// Organizations in phase LEGACY: four assignments and the default, half of the members exporting in each, so that every
/// assignment comes out mixed and the report has a row for every member.
pub(crate) async fn organizations(client: &Client, count: i32) -> Result {
    client.execute(include_str!("sql/seed_organizations.sql"), &[&1, &count, &"LEGACY"]).await?;
    rest(client, MEMBERS).await
}

/// One organization with very many members, after the migration.
pub(crate) async fn large(client: &Client, members: i32) -> Result {
    client.execute(include_str!("sql/seed_organizations.sql"), &[&0, &0, &"MIGRATED"]).await?;
    rest(client, members).await
}

/// The settings, assignments and members of organizations that have none yet.
async fn rest(client: &Client, members: i32) -> Result {
    client.execute(include_str!("sql/seed_settings.sql"), &[]).await?;
    client.execute(include_str!("sql/seed_assignments.sql"), &[]).await?;
    client.execute(include_str!("sql/seed_members.sql"), &[&members]).await?;
    Ok(())
}

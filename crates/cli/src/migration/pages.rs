//! Reads the migrations of all organizations, page by page.

use rollcall_proto::v1::{ListMigrationsRequest, ListMigrationsResponse, Migration};

use crate::{
    connection::{ServerConnection, answer},
    error::Result,
};

/// Calls `visit` with each page of the migrations that `request` selects.
///
/// # Errors
/// A call fails, or `visit` returns an error.
pub(super) async fn visit_pages(
    server: &ServerConnection,
    mut request: ListMigrationsRequest,
    mut visit: impl AsyncFnMut(&ListMigrationsResponse) -> Result,
) -> Result {
    request.page_size = 1000;
    loop {
        let call = server.migration().list_migrations(request.clone()).await;
        let page = answer("cannot list the migrations", call)?;
        visit(&page).await?;
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(());
        }
    }
}

/// Returns the id of the organization.
pub(super) fn organization_id(migration: &Migration) -> &str {
    migration.name.strip_prefix("organizations/").and_then(|rest| rest.strip_suffix("/migration")).unwrap_or_default()
}

//! `migration`: how far the settings migration is, what it would do, and the old settings that it starts from.

mod arguments;
mod import;
mod outcomes;
mod plan;
mod rows;
mod status;

pub(crate) use arguments::MigrationCommand;

use rollcall_proto::v1::{ListMigrationsRequest, ListMigrationsResponse, Migration};

use crate::{
    config::Config,
    error::Result,
    local::on_server,
    remote::{self, Remote},
    shutdown::Shutdown,
};

/// `rollcall migration`.
///
/// # Errors
/// When the server does not answer or refuses, and when an import did not take every row.
pub(crate) async fn run(config: &Config, command: &MigrationCommand, shutdown: &Shutdown) -> Result {
    match command {
        MigrationCommand::Status(arguments) => {
            on_server(config, arguments.target.as_ref(), shutdown, async |remote| status::show(&remote).await).await
        }
        MigrationCommand::Plan(arguments) => {
            let planned = async |remote| plan::show(&remote, arguments).await;
            on_server(config, arguments.target.as_ref(), shutdown, planned).await
        }
        MigrationCommand::Import(arguments) => {
            let import = import::Import::open(arguments)?;
            on_server(config, arguments.target.as_ref(), shutdown, async |remote| import.run(&remote).await).await
        }
    }
}

/// Goes through the migrations of all organizations, page by page.
async fn each_page(
    remote: &Remote,
    mut request: ListMigrationsRequest,
    mut look: impl AsyncFnMut(&ListMigrationsResponse) -> Result,
) -> Result {
    request.page_size = 1000;
    loop {
        let answered = remote.migration().list_migrations(request.clone()).await;
        let page = answered.map_err(remote::refused("cannot list the migrations"))?.into_inner();
        look(&page).await?;
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(());
        }
    }
}

/// The organization's id.
fn organization(migration: &Migration) -> &str {
    migration.name.strip_prefix("organizations/").and_then(|rest| rest.strip_suffix("/migration")).unwrap_or_default()
}

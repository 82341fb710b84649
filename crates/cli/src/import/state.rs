//! Finds out how much of a folder's organization the server already has.

use rollcall_proto::v1::{GetOrganizationRequest, Organization, Phase, PlanMigrationRequest};
use tonic::Code;

use super::messages;
use crate::{
    connection::{ServerConnection, answer, call_failed},
    error::{Error, Result},
    folder::OrganizationFolder,
};

/// How much of an import the server already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportState {
    /// The organization does not exist.
    NotStarted,
    /// The organization exists in phase LEGACY, and an earlier import of it did not finish.
    Interrupted,
    /// The organization exists with everything that an import creates.
    Complete,
}

/// Returns the state of the import of a folder.
///
/// # Errors
/// A call fails, or the organization looks like an interrupted import but has another directory than the folder.
pub(crate) async fn find_import_state(server: &ServerConnection, folder: &OrganizationFolder) -> Result<ImportState> {
    match find_organization(server, folder).await? {
        None => Ok(ImportState::NotStarted),
        Some(organization) if organization.phase() == Phase::Legacy && is_unfinished(server, folder).await? => {
            check_directory(server, folder).await?;
            Ok(ImportState::Interrupted)
        }
        Some(_) => Ok(ImportState::Complete),
    }
}

async fn find_organization(server: &ServerConnection, folder: &OrganizationFolder) -> Result<Option<Organization>> {
    let request = GetOrganizationRequest { name: folder.name(), ..Default::default() };
    match server.organizations().get_organization(request).await {
        Ok(answer) => Ok(answer.into_inner().organization),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(call_failed("cannot look for the organization")(status)),
    }
}

/// Returns whether an organization in phase LEGACY lacks assignments or old settings, which are imported last.
async fn is_unfinished(server: &ServerConnection, folder: &OrganizationFolder) -> Result<bool> {
    let parent = folder.name();
    // The default assignment exists from the start.
    if server.list_all_assignments(&parent).await?.len() <= folder.assignments.len() {
        return Ok(true);
    }
    let request = PlanMigrationRequest { name: format!("{parent}/migration"), ..Default::default() };
    let plan = answer("cannot plan the migration", server.migration().plan_migration(request).await)?;
    let expected = folder.legacy_settings.iter().any(|setting| setting.export);
    Ok(expected && plan.members_exporting == 0 && plan.unmatched_legacy_settings == 0)
}

/// Checks that syncing the folder's directory would change no existing member and remove no membership. Otherwise the
/// organization was probably created by someone else under the same id.
async fn check_directory(server: &ServerConnection, folder: &OrganizationFolder) -> Result {
    let messages = tokio_stream::iter(messages::directory(folder, true));
    let compared = answer("cannot compare the directory", server.directory().sync_directory(messages).await)?;
    let counts = compared.counts.unwrap_or_default();
    let changed = counts.members_updated + counts.members_deactivated + counts.members_reactivated;
    if changed == 0 && counts.memberships_removed == 0 {
        return Ok(());
    }
    Err(Error::failed(format!(
        "the organization {} exists with another directory: the folder would change {changed} of its members and remove \
         {} memberships. To continue an interrupted import, give the same folder with the same content; to import \
         another organization, rename the folder",
        folder.organization, counts.memberships_removed
    )))
}

//! Whether an organization is there already, and whether its import was interrupted.

use rollcall_proto::v1::{GetOrganizationRequest, Organization, Phase, PlanMigrationRequest};
use tonic::Code;

use super::rows;
use crate::{
    error::{Error, Result},
    folder::Folder,
    remote::{self, Remote},
};

/// What there is of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// The beginning of an import.
    Unfinished,
    /// All that an import makes, or more.
    Whole,
}

/// Looks for the folder's organization.
///
/// # Errors
/// What the server refuses, and an organization that is as unfinished as an interrupted import but is not one of this
/// folder.
pub(crate) async fn found(remote: &Remote, folder: &Folder) -> Result<Found> {
    match find_organization(remote, folder).await? {
        None => Ok(Found::Nothing),
        Some(organization) if organization.phase() == Phase::Legacy && is_unfinished(remote, folder).await? => {
            check_directory(remote, folder).await?;
            Ok(Found::Unfinished)
        }
        Some(_) => Ok(Found::Whole),
    }
}

async fn find_organization(remote: &Remote, folder: &Folder) -> Result<Option<Organization>> {
    let name = format!("organizations/{}", folder.organization);
    let request = GetOrganizationRequest { name, ..Default::default() };
    match remote.organizations().get_organization(request).await {
        Ok(answer) => Ok(answer.into_inner().organization),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(remote::refused("cannot look for the organization")(status)),
    }
}

/// Whether an organization that is not migrated yet lacks assignments or the old settings, which come last.
async fn is_unfinished(remote: &Remote, folder: &Folder) -> Result<bool> {
    let parent = format!("organizations/{}", folder.organization);
    if remote.all_assignments(&parent).await?.len() <= folder.assignments.len() {
        return Ok(true);
    }
    let request = PlanMigrationRequest { name: format!("{parent}/migration"), ..Default::default() };
    let answered = remote.migration().plan_migration(request).await;
    let plan = answered.map_err(remote::refused("cannot look at the migration"))?.into_inner();
    let expected = folder.legacy_settings.iter().any(|setting| setting.export);
    Ok(expected && plan.members_exporting == 0 && plan.unmatched_legacy_settings == 0)
}

/// The folder's directory takes nothing from whoever is there, nor changes them: somebody else may have made an
/// organization under this name.
async fn check_directory(remote: &Remote, folder: &Folder) -> Result {
    let messages = tokio_stream::iter(rows::directory(folder, true));
    let answered = remote.directory().sync_directory(messages).await;
    let answer = answered.map_err(remote::refused("cannot compare the directory"))?.into_inner();
    let counts = answer.counts.unwrap_or_default();
    let changed = counts.members_updated + counts.members_deactivated + counts.members_reactivated;
    if changed == 0 && counts.memberships_removed == 0 {
        return Ok(());
    }
    Err(Error::failed(format!(
        "there is an organization {} with another directory: the folder would change {changed} of its members and take \
         away {} memberships. If it is an import that was interrupted, repeat it with the folder as it was; else give \
         the folder another name",
        folder.organization, counts.memberships_removed
    )))
}

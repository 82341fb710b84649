//! Whether an organization is there already, and whether its import was interrupted.

use rollcall_proto::v1::{GetOrganizationRequest, Organization, Phase, PlanMigrationRequest};
use tonic::Code;

use super::rows;
use crate::{
    error::Result,
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
    /// All that an import makes, or more; or an organization that is not this folder's.
    Whole,
}

/// Looks for the folder's organization.
///
/// # Errors
/// What the server refuses.
pub(crate) async fn found(remote: &Remote, folder: &Folder) -> Result<Found> {
    match find_organization(remote, folder).await? {
        None => Ok(Found::Nothing),
        Some(organization)
            if organization.phase() == Phase::Legacy
                && is_unfinished(remote, folder).await?
                && is_of_folder(remote, folder).await? =>
        {
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

/// Whether the folder's directory would take nothing from whoever is there, nor change them: an organization that
/// somebody else made under this name is not an import of ours that was interrupted.
async fn is_of_folder(remote: &Remote, folder: &Folder) -> Result<bool> {
    let messages = tokio_stream::iter(rows::directory(folder, true));
    let answered = remote.directory().sync_directory(messages).await;
    let answer = answered.map_err(remote::refused("cannot compare the directory"))?.into_inner();
    let counts = answer.counts.unwrap_or_default();
    let changed =
        [counts.members_updated, counts.members_deactivated, counts.members_reactivated, counts.memberships_removed];
    Ok(changed == [0; 4])
}

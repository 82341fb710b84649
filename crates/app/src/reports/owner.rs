//! The owner of the place of the reports (ADR 25). Two installations with one reports URL would overwrite and remove each
//! other's files. Therefore a marker names the installation that owns the place, and the owner is checked before
//! every write and removal.

use bytes::Bytes;
use object_store::{Error as StoreError, ObjectStoreExt as _, PutMode, path::Path as StorePath};
use rollcall_store::installation::{self, InstallationIdentity};
use serde::{Deserialize, Serialize};

use super::{
    errors::{internal, store_unavailable},
    layout::REPORT_FOLDER,
    manifest::render,
    store::ReportStore,
};
use crate::{App, Error, Result};

/// The file that names the owner, beside the folders of the reports.
pub const OWNER_FILE: &str = "installation.json";

/// `installation.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OwnerMarker {
    /// 1. It stays the same while versions only add fields.
    schema_version: u32,
    #[serde(flatten)]
    owner: InstallationIdentity,
}

/// Why an installation may not write or remove reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOwner {
    /// Another installation owns them.
    #[error("another installation of Rollcall owns them")]
    OtherInstallation,
    /// This database and the one of the owner are copies of each other.
    #[error("the owner has another copy of this database")]
    OtherCopy,
    /// The database has another timeline than the owner's, after a failover or a restore.
    #[error("the Postgres server of this database was promoted since, by a failover or by the restore of a backup")]
    OtherTimeline,
    /// The marker is damaged.
    #[error("the marker of their owner, {OWNER_FILE}, cannot be read")]
    DamagedMarker,
}

impl App {
    /// Checks that this installation owns the place of its reports. A place without an owner is taken.
    ///
    /// # Errors
    /// [`Error::NotReportsOwner`], or [`Error::Unavailable`] when the database or the report store cannot be reached.
    pub async fn check_reports_owner(&self) -> Result<()> {
        let own = installation::get_identity(&self.db).await?;
        let owner = match self.reports.find_owner().await? {
            None if self.reports.create_owner(&own).await? => return Ok(()),
            // Another process has created the marker in the meantime.
            None => self.reports.find_owner().await?,
            owner => owner,
        };
        let reason = match owner {
            Some(Ok(owner)) => difference(&owner, &own),
            _ => Some(NotOwner::DamagedMarker),
        };
        let url = self.reports.url_of("");
        reason.map_or(Ok(()), |reason| Err(Error::NotReportsOwner { url, reason }))
    }

    /// Makes this installation the owner of the place of its reports, whoever owns it. The former owner can neither
    /// write nor remove anything there from now on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database or the report store cannot be reached.
    pub async fn take_over_reports(&self) -> Result<()> {
        let own = installation::get_identity(&self.db).await?;
        self.reports.put_owner(&own, PutMode::Overwrite).await?.map_err(store_unavailable)
    }
}

/// Returns how the owner differs from this installation. Parts that one of them could not read are not compared.
fn difference(owner: &InstallationIdentity, own: &InstallationIdentity) -> Option<NotOwner> {
    let differs = |a: &Option<String>, b: &Option<String>| a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a != b);
    if owner.installation != own.installation {
        Some(NotOwner::OtherInstallation)
    } else if owner.restores != own.restores
        || differs(&owner.database, &own.database)
        || differs(&owner.system, &own.system)
    {
        Some(NotOwner::OtherCopy)
    } else {
        differs(&owner.timeline, &own.timeline).then_some(NotOwner::OtherTimeline)
    }
}

fn location() -> StorePath {
    StorePath::from(format!("{REPORT_FOLDER}/{OWNER_FILE}"))
}

impl ReportStore {
    /// Reads the owner; an inner error is a damaged marker.
    async fn find_owner(&self) -> Result<Option<serde_json::Result<InstallationIdentity>>> {
        let found = match self.store.get(&location()).await {
            Ok(found) => found.bytes().await.map_err(store_unavailable)?,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(store_unavailable(error)),
        };
        Ok(Some(serde_json::from_slice::<OwnerMarker>(&found).map(|marker| marker.owner)))
    }

    /// Creates the marker. Returns `false` if there is one already.
    async fn create_owner(&self, owner: &InstallationIdentity) -> Result<bool> {
        match self.put_owner(owner, PutMode::Create).await? {
            Ok(()) => Ok(true),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
            Err(error) => Err(store_unavailable(error)),
        }
    }

    async fn put_owner(
        &self,
        owner: &InstallationIdentity,
        mode: PutMode,
    ) -> Result<std::result::Result<(), StoreError>> {
        let marker = OwnerMarker { schema_version: 1, owner: owner.clone() };
        let text = Bytes::from(render(&marker).map_err(internal)?);
        self.create_private_folder(REPORT_FOLDER).await?;
        let put = self.store.put_opts(&location(), text.into(), mode.into()).await;
        if put.is_ok() {
            self.restrict_file(location().as_ref()).await?;
        }
        Ok(put.map(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn identity(installation: usize) -> InstallationIdentity {
        let installation = installation.to_string();
        InstallationIdentity { installation, restores: 0, database: None, system: None, timeline: None }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_of_many_installations_becomes_the_owner() {
        let directory = TempDir::new().unwrap();
        let store = ReportStore::open(&format!("file://{}", directory.path().display())).unwrap();
        let creating = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.create_owner(&identity(number)).await.unwrap().then_some(number) })
        });
        let created = futures::future::join_all(creating.collect::<Vec<_>>()).await;
        let created: Vec<usize> = created.into_iter().filter_map(|created| created.unwrap()).collect();
        let [owner] = created[..] else { panic!("{created:?}") };
        assert_eq!(store.find_owner().await.unwrap().unwrap().unwrap(), identity(owner));
    }

    #[test]
    fn a_part_that_postgres_does_not_show_is_not_compared() {
        let hidden = identity(1);
        let shown = InstallationIdentity { system: Some("7".into()), timeline: Some("1".into()), ..hidden.clone() };
        assert_eq!((difference(&hidden, &shown), difference(&shown, &hidden)), (None, None));
        let promoted = InstallationIdentity { timeline: Some("2".into()), ..shown.clone() };
        assert_eq!(difference(&shown, &promoted), Some(NotOwner::OtherTimeline));
        let copied = InstallationIdentity { system: Some("8".into()), ..promoted };
        assert_eq!(difference(&shown, &copied), Some(NotOwner::OtherCopy));
        let restored = InstallationIdentity { restores: 1, ..hidden.clone() };
        assert_eq!(difference(&hidden, &restored), Some(NotOwner::OtherCopy));
        assert_eq!(difference(&identity(2), &restored), Some(NotOwner::OtherInstallation));
    }
}

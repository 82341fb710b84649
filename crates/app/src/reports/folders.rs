//! The folders of the attempts to write a report, `mixed-settings/{report}/{fence}`: listing and removing them.
//!
//! A directory is read with the file system's own functions: the object store interface does not list the unfinished
//! files of a process that was killed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use futures::TryStreamExt as _;
use object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt as _, path::Path as StorePath};
use rollcall_domain::Timestamp;

use super::{
    errors::{run_blocking, store_unavailable},
    layout::REPORT_FOLDER,
    store::ReportStore,
};
use crate::Result;

/// How many files are removed at the same time.
const CONCURRENT_DELETES: usize = 8;

/// The folder of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttemptFolder {
    /// The path in the store.
    pub(crate) path: String,
    /// When a file in the folder last changed, by the store's clock.
    pub(crate) changed_at: Timestamp,
}

impl ReportStore {
    /// Lists the folders of all attempts, published or not.
    pub(crate) async fn list_attempts(&self) -> Result<Vec<AttemptFolder>> {
        if let Some(directory) = self.local_directory() {
            return run_blocking(move || list_directories(&directory)).await;
        }
        let mut attempts = Vec::new();
        for report in self.folders_in(&StorePath::from(REPORT_FOLDER)).await? {
            for attempt in self.folders_in(&report).await? {
                let files: Vec<ObjectMeta> =
                    self.store.list(Some(&attempt)).try_collect().await.map_err(store_unavailable)?;
                if let Some(changed_at) = files.iter().map(|file| file.last_modified).max() {
                    attempts.push(AttemptFolder { path: attempt.to_string(), changed_at });
                }
            }
        }
        Ok(attempts)
    }

    async fn folders_in(&self, folder: &StorePath) -> Result<Vec<StorePath>> {
        Ok(self.store.list_with_delimiter(Some(folder)).await.map_err(store_unavailable)?.common_prefixes)
    }

    /// Removes the folder of an attempt with all its files. A missing folder counts as removed.
    pub(crate) async fn remove_attempt(&self, path: &str) -> Result<()> {
        if let Some(directory) = self.local_directory() {
            let folder = directory.join(path);
            return run_blocking(move || remove_directory(&folder)).await;
        }
        let files = self.store.list(Some(&StorePath::from(path))).map_err(store_unavailable);
        let removed = files.map_ok(|file| async move {
            match self.store.delete(&file.location).await {
                Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
                Err(error) => Err(store_unavailable(error)),
            }
        });
        removed.try_buffer_unordered(CONCURRENT_DELETES).try_collect().await
    }
}

fn list_directories(root: &Path) -> io::Result<Vec<AttemptFolder>> {
    let mut attempts = Vec::new();
    for report in directories(&root.join(REPORT_FOLDER))? {
        for attempt in directories(&report)? {
            let mut changed_at = fs::metadata(&attempt)?.modified()?;
            for file in fs::read_dir(&attempt)? {
                changed_at = changed_at.max(file?.metadata()?.modified()?);
            }
            let path = attempt.strip_prefix(root).unwrap_or(&attempt).display().to_string();
            attempts.push(AttemptFolder { path, changed_at: changed_at.into() });
        }
    }
    Ok(attempts)
}

fn directories(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Removes the folder of an attempt. The folder of the report is removed with its last attempt.
fn remove_directory(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Some(report) = folder.parent() {
        // This fails while the folder has another attempt.
        let _ = fs::remove_dir(report);
    }
    Ok(())
}

//! `latest.json`: it names the report with the newest data. It is derived from the published rows, and moves to newer
//! data only, even if several processes write it or one writes late: an object store replaces the file only if it did
//! not change since it was read; a directory cannot do that, so it has a lock file.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Write as _},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use bytes::Bytes;
use object_store::{Error as StoreError, ObjectStoreExt as _, PutMode, UpdateVersion, path::Path as StorePath};
use rollcall_store::reports::{self, Report};

use super::{
    errors::{internal, run_blocking, store_unavailable},
    layout::{LATEST_FILE, MANIFEST_FILE, REPORT_FOLDER},
    manifest::{Latest, render, rfc3339},
    private_files::{create_folder, open_file},
    store::ReportStore,
};
use crate::{App, Error, Result};

/// How often a write is tried again because another process has changed the file. Each change moved it to newer data.
const MAX_TRIES: usize = 10;
/// How long to wait for the lock file: its holder may have been suspended.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

impl App {
    /// Makes `latest.json` name the published report with the newest data. This also repairs the file if a process died
    /// between publishing a report and writing the file.
    ///
    /// # Errors
    /// [`Error::NotReportsOwner`], or [`Error::Unavailable`] when the database or the report store cannot be reached.
    pub async fn point_to_latest_report(&self) -> Result<()> {
        match reports::find_newest_report(&self.db).await? {
            Some(newest) => {
                self.check_reports_owner().await?;
                self.reports.advance_latest(to_latest(&newest)).await
            }
            None => Ok(()),
        }
    }
}

fn to_latest(report: &Report) -> Latest {
    let path = report.path.strip_prefix(&format!("{REPORT_FOLDER}/")).unwrap_or(&report.path);
    let manifest = report.files.0.iter().find(|file| file.file == MANIFEST_FILE);
    Latest {
        schema_version: 1,
        report: report.id.clone(),
        path: path.to_owned(),
        manifest: format!("{path}/{MANIFEST_FILE}"),
        data_as_of: rfc3339(report.data_as_of),
        manifest_sha256: manifest.map(|file| file.sha256.clone()),
    }
}

impl ReportStore {
    /// Replaces `latest.json` if it has older data.
    pub(super) async fn advance_latest(&self, new: Latest) -> Result<()> {
        let Some(directory) = self.local_directory() else { return self.replace_latest(&new).await };
        run_blocking(move || replace_locked(&directory.join(REPORT_FOLDER), &new)).await
    }

    async fn replace_latest(&self, new: &Latest) -> Result<()> {
        let location = StorePath::from(format!("{REPORT_FOLDER}/{LATEST_FILE}"));
        let text = Bytes::from(render(new).map_err(internal)?);
        for _ in 0..MAX_TRIES {
            let mode = match self.store.get(&location).await {
                Ok(found) => {
                    let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
                    if !new.is_newer_than(&found.bytes().await.map_err(store_unavailable)?) {
                        return Ok(());
                    }
                    PutMode::Update(UpdateVersion { e_tag, version })
                }
                Err(StoreError::NotFound { .. }) => PutMode::Create,
                Err(error) => return Err(store_unavailable(error)),
            };
            match self.store.put_opts(&location, text.clone().into(), mode.into()).await {
                Ok(_) => return Ok(()),
                Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => {}
                Err(error) => return Err(store_unavailable(error)),
            }
        }
        Err(Error::Unavailable(
            format!("{LATEST_FILE} was changed by other processes {MAX_TRIES} times in a row").into(),
        ))
    }
}

fn replace_locked(folder: &Path, new: &Latest) -> io::Result<()> {
    create_folder(folder)?;
    // The lock ends with the file handle, even if the process dies.
    let _lock = lock(&folder.join(format!("{LATEST_FILE}.lock")))?;
    let latest = folder.join(LATEST_FILE);
    match fs::read(&latest) {
        Ok(current) if !new.is_newer_than(&current) => return Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let temporary = folder.join(format!("{LATEST_FILE}.new"));
    let mut file = open_file(&temporary, true)?;
    file.write_all(&render(new)?)?;
    file.sync_all()?;
    fs::rename(&temporary, &latest)?;
    File::open(folder)?.sync_all()
}

fn lock(path: &Path) -> io::Result<File> {
    let file = open_file(path, false)?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if since.elapsed() < LOCK_TIMEOUT => sleep(Duration::from_millis(20)),
            Err(TryLockError::WouldBlock) => {
                let what = format!("another process has held {} for more than {LOCK_TIMEOUT:?}", path.display());
                return Err(io::Error::new(ErrorKind::TimedOut, what));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;

//! The modes of report files in a directory: only the service's user may read them, because they have email addresses.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use super::{errors::run_blocking, store::ReportStore};
use crate::Result;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Creates a folder and its missing parents with mode 0700. Folders that exist keep their mode.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

/// Opens a file for writing, and creates it with mode 0600 if it is missing.
pub(super) fn open_file(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(truncate).write(true).mode(FILE_MODE).open(path)
}

impl ReportStore {
    /// Creates the folder of a report, if the store is a directory: before the first file, so that no file in it can be
    /// read by other users at any time.
    pub(super) async fn create_private_folder(&self, path: &str) -> Result<()> {
        let Some(directory) = self.local_directory() else { return Ok(()) };
        let folder = directory.join(path);
        run_blocking(move || create_folder(&folder)).await
    }

    /// Gives a file mode 0600, if the store is a directory.
    pub(super) async fn restrict_file(&self, path: &str) -> Result<()> {
        let Some(directory) = self.local_directory() else { return Ok(()) };
        let file = directory.join(path);
        run_blocking(move || fs::set_permissions(file, Permissions::from_mode(FILE_MODE))).await
    }

    /// Gives the files of a report mode 0600, if the store is a directory: the object store creates them with the mode
    /// that is usual for the process.
    pub(super) async fn restrict_files(&self, path: &str) -> Result<()> {
        let Some(directory) = self.local_directory() else { return Ok(()) };
        let folder = directory.join(path);
        let restrict = move || {
            for file in fs::read_dir(folder)? {
                fs::set_permissions(file?.path(), Permissions::from_mode(FILE_MODE))?;
            }
            Ok(())
        };
        run_blocking(restrict).await
    }
}

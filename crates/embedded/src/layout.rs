//! The paths of one data directory, and creating its directories with the right owners.
//!
//! The data directory and the locks in it belong to the user of this process. Only `postgres/` and `postgres.log` belong
//! to the server's user. The socket is in another directory, because the path of a socket is at most 107 bytes long.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::user::ServerUser;
use crate::{Error, Result};

/// The paths of one embedded cluster.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Absolute and without symbolic links.
    pub(crate) data_dir: PathBuf,
    /// The directory that Postgres calls its data directory.
    pub(crate) cluster: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) socket_dir: PathBuf,
}

impl Layout {
    /// Creates the data directory if it is missing. Checks that the server's user can reach it.
    pub(crate) fn prepare(data_dir: &Path, user: &ServerUser) -> Result<Self> {
        let data_dir = std::path::absolute(data_dir).map_err(Error::io("resolve", data_dir))?;
        let data_dir = make_reachable(&data_dir, user)?;
        // `pg_ctl` puts the path into a shell command.
        if data_dir.to_str().is_none_or(|path| path.contains(['"', '$', '`', '\\', '\n'])) {
            return Err(Error::new(format!(
                "postgres cannot be started in {}: choose a --data-dir without quotes, dollar signs, backslashes, \
                 line breaks and bytes that are not UTF-8",
                data_dir.display()
            )));
        }
        let hash = fnv1a(data_dir.as_os_str().as_encoded_bytes());
        Ok(Self {
            cluster: data_dir.join("postgres"),
            log: data_dir.join("postgres.log"),
            socket_dir: PathBuf::from(format!("/tmp/rollcall-{hash:016x}")),
            data_dir,
        })
    }

    /// Opens the lock file `name` in the data directory.
    pub(crate) fn open_lock(&self, name: &str) -> Result<File> {
        let path = self.data_dir.join(name);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        open.map_err(Error::io("open the lock", &path))
    }

    /// Creates the log and the socket's directory, which the server needs before it starts. A socket directory that
    /// another user could write to is refused, because a server of that user could be in it.
    pub(crate) fn prepare_run(&self, user: &ServerUser) -> Result<()> {
        let log = File::options().create(true).append(true).mode(0o600).open(&self.log);
        log.map_err(Error::io("open", &self.log))?;
        user.take(&self.log)?;

        make_dir(&self.socket_dir, 0o700)?;
        let found = fs::symlink_metadata(&self.socket_dir).map_err(Error::io("inspect", &self.socket_dir))?;
        if !found.is_dir() || found.mode() & 0o077 != 0 || !user.trusts(found.uid()) {
            return Err(Error::new(format!(
                "{} is needed for the database's socket but is not a private directory of user {}: remove it",
                self.socket_dir.display(),
                user.name()
            )));
        }
        user.take(&self.socket_dir)
    }
}

/// Creates `dir` and its missing parents, and returns its real path. First checks that the server's user can reach the
/// part that exists, so that nothing is left behind in an unsuitable place.
fn make_reachable(dir: &Path, user: &ServerUser) -> Result<PathBuf> {
    // A path that this process may not inspect counts as existing: the next step then reports the right error.
    let is_missing =
        |path: &&Path| matches!(fs::symlink_metadata(path), Err(cause) if cause.kind() == ErrorKind::NotFound);
    let missing: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
    let existing = dir.ancestors().nth(missing.len()).unwrap_or(Path::new("/"));
    let existing = existing.canonicalize().map_err(Error::io("open", existing))?;
    user.check_reaches(&existing, dir, "--data-dir")?;
    for directory in missing.into_iter().rev() {
        make_dir(directory, 0o755)?;
    }
    dir.canonicalize().map_err(Error::io("open", dir))
}

/// Creates a directory with exactly this mode, whatever the umask is. Leaves an existing directory as it is.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<()> {
    let made = DirBuilder::new().mode(mode).create(path);
    match made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode))) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => Err(Error::io("create the directory", path)(cause)),
        _ => Ok(()),
    }
}

/// Removes a file. A missing file is no error.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    unless_missing(fs::remove_file(path)).map_err(Error::io("remove", path))
}

/// Removes a directory and everything in it. A missing directory is no error.
pub(crate) fn remove_dir(path: &Path) -> Result<()> {
    unless_missing(fs::remove_dir_all(path)).map_err(Error::io("remove", path))
}

fn unless_missing(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|cause| if cause.kind() == ErrorKind::NotFound { Ok(()) } else { Err(cause) })
}

/// A hash that is the same in every build. The hashers of the standard library do not promise that.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_would_break_a_shell_command_is_refused() {
        let dir = std::env::temp_dir().join(format!("rollcall-$layout-{}", std::process::id()));
        let refused = Layout::prepare(&dir, &ServerUser::choose().unwrap());
        remove_dir(&dir).unwrap();
        assert!(refused.unwrap_err().to_string().contains("without quotes, dollar signs"));
    }

    #[test]
    fn the_short_name_of_a_path_is_the_published_hash() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}

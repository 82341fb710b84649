//! The files of one data directory, and the making of its directories with the right owners.
//!
//! The data directory itself stays ours (the locks lie there); only `postgres/` and the log belong to the server's
//! user. The socket lies elsewhere because a socket's path may have only 107 bytes.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::EmbeddedError;
use super::user::ServerUser;

/// Where everything of one embedded cluster lies.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) data_dir: PathBuf,
    /// What Postgres calls the data directory.
    pub(super) cluster: PathBuf,
    pub(super) log: PathBuf,
    pub(super) socket_dir: PathBuf,
    /// One file per process that uses the cluster, named by its process id.
    pub(super) users: PathBuf,
    /// Exists while the guard stops the server.
    pub(super) stopping: PathBuf,
}

impl Layout {
    /// Makes the data directory where needed and checks that the server's user can get there.
    pub(super) fn prepare(data_dir: &Path, user: &ServerUser) -> Result<Self, EmbeddedError> {
        let data_dir = std::path::absolute(data_dir).map_err(EmbeddedError::io("resolve", data_dir))?;
        let data_dir = make_reachable(&data_dir, user)?;
        if data_dir.to_str().is_none_or(|path| path.contains(['"', '$', '`', '\\', '\n'])) {
            return Err(EmbeddedError::AwkwardPath { data_dir });
        }
        let layout = Self {
            cluster: data_dir.join("postgres"),
            log: data_dir.join("postgres.log"),
            socket_dir: PathBuf::from(format!("/tmp/rollcall-{:016x}", fnv1a(data_dir.as_os_str().as_encoded_bytes()))),
            users: data_dir.join("users"),
            stopping: data_dir.join("stopping"),
            data_dir,
        };
        make_dir(&layout.users, 0o755)?;
        Ok(layout)
    }

    /// Opens a lock file in the data directory.
    pub(super) fn open_lock(&self, name: &str) -> Result<File, EmbeddedError> {
        let path = self.data_dir.join(name);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        open.map_err(EmbeddedError::io("open the lock", &path))
    }

    /// Makes what the server needs in place before it starts: the log, and a directory for its socket in which nobody
    /// else could have put a server of theirs.
    pub(super) fn prepare_run(&self, user: &ServerUser) -> Result<(), EmbeddedError> {
        let log = File::options().create(true).append(true).mode(0o600).open(&self.log);
        log.map_err(EmbeddedError::io("open", &self.log))?;
        user.take(&self.log)?;

        make_dir(&self.socket_dir, 0o700)?;
        let found = fs::symlink_metadata(&self.socket_dir).map_err(EmbeddedError::io("look at", &self.socket_dir))?;
        if !found.is_dir() || found.mode() & 0o077 != 0 || !user.trusts(found.uid()) {
            let (directory, user) = (self.socket_dir.clone(), user.name().to_owned());
            return Err(EmbeddedError::UnsafeSocketDir { directory, user });
        }
        user.take(&self.socket_dir)
    }
}

/// Makes `dir` and what is missing above it, after a look at whether the server's user can reach what exists: nothing
/// is left behind in a place that will not do.
fn make_reachable(dir: &Path, user: &ServerUser) -> Result<PathBuf, EmbeddedError> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|ancestor| !exists(ancestor)).collect();
    let existing = missing.last().map_or(Some(dir), |highest| highest.parent()).unwrap_or(Path::new("/"));
    let existing = existing.canonicalize().map_err(EmbeddedError::io("open", existing))?;
    user.check_reaches(&existing, dir, "--data-dir")?;
    for directory in missing.into_iter().rev() {
        make_dir(directory, 0o755)?;
    }
    dir.canonicalize().map_err(EmbeddedError::io("open", dir))
}

/// A place that we may not even look at exists: what follows then reports the right error.
fn exists(path: &Path) -> bool {
    !matches!(fs::symlink_metadata(path), Err(cause) if cause.kind() == ErrorKind::NotFound)
}

/// Makes a directory with exactly this mode, whatever the umask, and leaves an existing one as it is.
pub(super) fn make_dir(path: &Path, mode: u32) -> Result<(), EmbeddedError> {
    let made = DirBuilder::new().mode(mode).create(path);
    match made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode))) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => {
            Err(EmbeddedError::io("make the directory", path)(cause))
        }
        _ => Ok(()),
    }
}

/// Removes a file that may be gone already.
pub(super) fn remove_file(path: &Path) -> Result<(), EmbeddedError> {
    gone(fs::remove_file(path)).map_err(EmbeddedError::io("remove", path))
}

/// Removes a directory and all in it, which may be gone already.
pub(super) fn remove_dir(path: &Path) -> Result<(), EmbeddedError> {
    gone(fs::remove_dir_all(path)).map_err(EmbeddedError::io("remove", path))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

/// A short name for a path that stays the same in every build, which the standard hashers do not promise.
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
        assert!(matches!(refused, Err(EmbeddedError::AwkwardPath { .. })), "{refused:?}");
    }

    #[test]
    fn the_short_name_of_a_path_is_the_published_hash() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}

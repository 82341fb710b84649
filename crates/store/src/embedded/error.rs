//! What can go wrong with the embedded Postgres, each with the way out in its text.
//!
//! The cause is part of the message, not a `source`: these end up as one line in front of a person.

use std::io;
use std::path::{Path, PathBuf};

/// Why the embedded Postgres could not be found, started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No folder with all server binaries is on this machine.
    #[error(
        "no postgres server was found (initdb, pg_ctl and postgres in one folder; looked in {looked}): \
         run scripts/setup, install postgresql, name its folder in PG_BIN_DIR, or give DATABASE_URL"
    )]
    NoBinaries {
        /// The folders that were tried.
        looked: String,
    },

    /// `PG_BIN_DIR` names a folder without a server.
    #[error(
        "PG_BIN_DIR is {}, which lacks {missing}: name the folder that holds initdb, pg_ctl and postgres, or unset it",
        dir.display()
    )]
    IncompleteBinDir {
        /// The value of `PG_BIN_DIR`.
        dir: PathBuf,
        /// The first binary that is not there.
        missing: &'static str,
    },

    /// The data directory belongs to another major version than any installed one.
    #[error(
        "{} was made by postgres {made_by}, but postgres {installed} is installed: install postgresql {made_by}, \
         or choose another directory with --data-dir",
        data_dir.display()
    )]
    OtherVersion {
        /// The data directory.
        data_dir: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The major version that was found.
        installed: u32,
    },

    /// Another process holds the data directory.
    #[error(
        "{} is in use by {holder}: stop that one, or choose another directory with --data-dir",
        data_dir.display()
    )]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
        /// Who uses it, as far as known.
        holder: String,
    },

    /// The user that runs the server cannot get into the data directory or the binaries' folder.
    #[error(
        "postgres does not run as root, and user {user}, who runs it instead, cannot enter {}, on the way to {}: \
         choose a directory that everybody can reach with {setting}",
        directory.display(), wanted.display()
    )]
    Unreachable {
        /// The user that runs the server.
        user: String,
        /// The first directory that the user may not enter.
        directory: PathBuf,
        /// The directory that was to be reached.
        wanted: PathBuf,
        /// What chooses another directory.
        setting: &'static str,
    },

    /// This process is root and there is nobody else to run the server as.
    #[error(
        "postgres does not run as root, and there is no user postgres or nobody to run it as: \
         create one (useradd --system postgres), run as another user, or give DATABASE_URL"
    )]
    NoServerUser,

    /// The path cannot be handed to `pg_ctl`, which puts it into a shell command.
    #[error(
        "postgres cannot be started in {}: choose a --data-dir without quotes, dollar signs, backslashes, \
         line breaks and bytes that are not UTF-8",
        data_dir.display()
    )]
    AwkwardPath {
        /// The data directory.
        data_dir: PathBuf,
    },

    /// The directory for the socket exists and cannot be trusted.
    #[error(
        "{} is needed for the database's socket but is not a private directory of user {user}: remove it",
        directory.display()
    )]
    UnsafeSocketDir {
        /// The directory.
        directory: PathBuf,
        /// Who should own it.
        user: String,
    },

    /// A program did not do its work.
    #[error("{program} failed as user {user}: {detail}; the server's log is {}", log.display())]
    Program {
        /// `initdb`, `pg_ctl start`, ...
        program: String,
        /// The user it ran as.
        user: String,
        /// What it said, or the end of the log.
        detail: String,
        /// The server's log file.
        log: PathBuf,
    },

    /// The role that everybody connects as could not be made.
    #[error("cannot make the role {role} in the embedded postgres: {cause}; start it again, or give DATABASE_URL")]
    Role {
        /// The role.
        role: &'static str,
        /// What the server said.
        cause: String,
    },

    /// A program could not be run at all.
    #[error("cannot run {program}: {cause}; see that it is installed and that this user may run it")]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        cause: io::Error,
    },

    /// A file or directory refused an operation.
    #[error("cannot {action} {}: {cause}; mend that, or choose another directory with --data-dir", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl EmbeddedError {
    /// For `map_err`: wraps what the system said about `path`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { action, path, cause }
    }

    /// For `map_err`: wraps a failed spawn of `program`.
    pub(super) fn spawn(program: &Path) -> impl FnOnce(io::Error) -> Self {
        let program = program.display().to_string();
        move |cause| Self::Spawn { program, cause }
    }
}

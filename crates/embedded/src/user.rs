//! The operating system user that runs the server.
//!
//! Postgres refuses to run as root. When this process is root, the server runs as user `postgres`, else `nobody`.

use std::env;
use std::os::unix::fs::lchown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};

use crate::{Error, Result};

/// Returns whether this process is root. The data directory must then be one that other users can reach.
#[must_use]
pub fn running_as_root() -> bool {
    geteuid().is_root()
}

/// The user that owns the cluster and runs its programs.
#[derive(Debug, Clone)]
pub(crate) enum ServerUser {
    /// The user of this process.
    Current,
    /// Another user. This process is root and runs the programs as that user.
    Other(User),
}

impl ServerUser {
    pub(crate) fn choose() -> Result<Self> {
        if !running_as_root() {
            return Ok(Self::Current);
        }
        let user = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        user.map(Self::Other).ok_or_else(|| {
            Error::new(
                "postgres does not run as root, and there is no user postgres or nobody to run it as: \
                 create one (useradd --system postgres), run as another user, or give DATABASE_URL",
            )
        })
    }

    /// The name for messages. The user of this process may have none (in a container), so that is a number.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Current => geteuid().to_string(),
            Self::Other(user) => user.name.clone(),
        }
    }

    /// Returns whether files of `owner` can be trusted: they belong to this user or to the user of this process.
    pub(crate) fn trusts(&self, owner: u32) -> bool {
        owner == geteuid().as_raw() || matches!(self, Self::Other(user) if owner == user.uid.as_raw())
    }

    /// A command that runs as this user. It starts in `/`, because the user may be unable to see our directory. It is
    /// in a process group of its own, so that Ctrl-C in our terminal does not reach it. It does not see our `PG*`
    /// variables, because they are meant for other servers.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).process_group(0);
        if let Self::Other(user) = self {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Gives `path`, which this process has made, to this user.
    pub(crate) fn take(&self, path: &Path) -> Result<()> {
        let Self::Other(user) = self else { return Ok(()) };
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        lchown(path, Some(uid), Some(gid)).map_err(Error::io("change the owner of", path))
    }

    /// Checks that this user may enter `dir` and each directory above it, on the way to `wanted`. A shell that runs as
    /// that user does the check, because permission bits are not the only rule. `setting` chooses another directory.
    pub(crate) fn check_reaches(&self, dir: &Path, wanted: &Path, setting: &str) -> Result<()> {
        let Self::Other(user) = self else { return Ok(()) };
        let mut ancestors: Vec<&Path> = dir.ancestors().collect();
        ancestors.reverse();
        let shell = Path::new("/bin/sh");
        let mut probe = self.command(shell);
        probe.args(["-c", r#"for dir do [ -x "$dir" ] || { printf %s "$dir"; exit 1; }; done"#, "sh"]).args(ancestors);
        let output = probe.output().map_err(Error::spawn(shell))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::new(format!(
            "postgres does not run as root, and user {}, who runs it instead, cannot enter {}, on the way to {}: \
             choose a directory that everybody can reach with {setting}",
            user.name,
            String::from_utf8_lossy(&output.stdout),
            wanted.display()
        )))
    }
}

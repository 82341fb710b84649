//! Who runs the server: ourselves, or, because Postgres refuses to run as root, user `postgres` or else `nobody`.

use std::env;
use std::os::unix::fs::lchown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::EmbeddedError;

/// Whether this process is root, so that the data directory must be one that other users can reach.
///
/// # Errors
/// When `id` does not run.
pub fn running_as_root() -> Result<bool, EmbeddedError> {
    Ok(id(&["-u"])?.as_deref() == Some("0"))
}

/// The user that owns the cluster and runs its programs.
#[derive(Debug, Clone)]
pub(super) struct ServerUser {
    name: String,
    uid: u32,
    gid: u32,
    /// We are root and have to become this user.
    switch: bool,
}

impl ServerUser {
    /// Ourselves if that will do, else the first user that exists of `postgres` and `nobody`.
    pub(super) fn choose() -> Result<Self, EmbeddedError> {
        if !running_as_root()? {
            return Self::look_up(&[], false)?.ok_or(EmbeddedError::NoServerUser);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = Self::look_up(&[name], true)? {
                return Ok(user);
            }
        }
        Err(EmbeddedError::NoServerUser)
    }

    /// Asks `id`, which knows every kind of user directory; without a name it answers for this process.
    fn look_up(name: &[&str], switch: bool) -> Result<Option<Self>, EmbeddedError> {
        let number = |option| -> Result<Option<u32>, EmbeddedError> {
            Ok(id(&[&[option], name].concat())?.and_then(|text| text.parse().ok()))
        };
        let (Some(uid), Some(gid)) = (number("-u")?, number("-g")?) else {
            return Ok(None);
        };
        // A container may run us under a number that has no name.
        let name = name.first().map_or_else(|| uid.to_string(), ToString::to_string);
        Ok(Some(Self { name, uid, gid, switch }))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether what belongs to `owner` is this user's or our own.
    pub(super) fn trusts(&self, owner: u32) -> bool {
        owner == self.uid || (self.switch && owner == 0)
    }

    /// A command that runs as this user: away from our directory, which the user may not see, deaf to the terminal's
    /// Ctrl-C, and without the `PG*` variables that are meant for other servers.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).process_group(0);
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Gives `path`, which we made, to this user.
    pub(super) fn take(&self, path: &Path) -> Result<(), EmbeddedError> {
        if !self.switch {
            return Ok(());
        }
        lchown(path, Some(self.uid), Some(self.gid)).map_err(EmbeddedError::io("change the owner of", path))
    }

    /// Checks that this user may enter `dir` and every directory above it. The kernel is asked, as that user, because
    /// permission bits are not all there is. `setting` is what a person would change.
    pub(super) fn check_reaches(&self, dir: &Path, wanted: &Path, setting: &'static str) -> Result<(), EmbeddedError> {
        if !self.switch {
            return Ok(());
        }
        let mut above: Vec<&Path> = dir.ancestors().collect();
        above.reverse();
        let shell = Path::new("/bin/sh");
        let mut probe = self.command(shell);
        probe.args(["-c", r#"for dir do [ -x "$dir" ] || { printf %s "$dir"; exit 1; }; done"#, "sh"]).args(above);
        let output = probe.output().map_err(EmbeddedError::spawn(shell))?;
        if output.status.success() {
            return Ok(());
        }
        let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).into_owned());
        Err(EmbeddedError::Unreachable { user: self.name.clone(), directory, wanted: wanted.to_owned(), setting })
    }
}

/// What `id` answers, or nothing if it knows no such user.
fn id(arguments: &[&str]) -> Result<Option<String>, EmbeddedError> {
    let output = Command::new("id").args(arguments).output().map_err(EmbeddedError::spawn(Path::new("id")))?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

//! The users of a cluster, and the guard that stops the server when there are none.
//!
//! A process that is killed runs no `Drop`, and a test binary runs none for its statics. So each user of a cluster has
//! a file `users/<process id>.<number>` in the data directory. The guard, a small detached shell script, stops the
//! server when no such process is left. It waits for a while first, so that the next test binary finds a shared server
//! still running.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::layout::{Layout, make_dir, remove_dir, remove_file};
use crate::{Error, Result};

/// Longer than the guard needs to stop a server.
const STOPPING_WITHIN: Duration = Duration::from_secs(60);

/// The file that says that this process uses the cluster. It is removed with the value.
#[derive(Debug)]
pub(crate) struct Presence {
    file: PathBuf,
}

impl Presence {
    /// Creates the file, then waits while a guard is stopping the server. No guard stops the server after that.
    pub(crate) fn announce(layout: &Layout) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let users = users_dir(layout);
        make_dir(&users, 0o755)?;
        let file = users.join(format!("{}.{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        File::create(&file).map_err(Error::io("create", &file))?;
        let presence = Self { file };
        let stopping = layout.data_dir.join("stopping");
        let deadline = Instant::now() + STOPPING_WITHIN;
        while stopping.exists() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        // If the file still exists, its guard was killed.
        remove_file(&stopping)?;
        Ok(presence)
    }

    /// Removes the files of all users. Only the holder of the exclusive lock may do so. After a restart of the machine,
    /// the process ids may belong to other processes.
    pub(crate) fn remove_all(layout: &Layout) -> Result<()> {
        remove_dir(&users_dir(layout))
    }

    /// Returns the users as a text for an error message.
    pub(crate) fn describe_all(layout: &Layout) -> String {
        let entries = fs::read_dir(users_dir(layout)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut users: Vec<String> =
            names.filter_map(|name| Some(format!("process {}", name.split_once('.')?.0))).collect();
        users.sort_unstable();
        users.dedup();
        if users.is_empty() { "another process".to_owned() } else { users.join(", ") }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // A file that stays has no effect once this process has ended.
        let _ = fs::remove_file(&self.file);
    }
}

fn users_dir(layout: &Layout) -> PathBuf {
    layout.data_dir.join("users")
}

/// Starts the guard of the server `postmaster`. It stops the server after the time `linger` without users. The shell
/// reads the script from a pipe, so that the list of processes shows only a short command.
pub(crate) fn spawn(layout: &Layout, postmaster: u32, linger: Duration) -> Result<Child> {
    let shell = Path::new("/bin/sh");
    let mut guard = Command::new(shell)
        .args(["-s", "rollcall-postgres-guard"])
        .arg(&layout.data_dir)
        .arg(postmaster.to_string())
        .arg(&layout.socket_dir)
        .arg(linger.as_secs().to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(Error::spawn(shell))?;
    if let Some(mut script) = guard.stdin.take() {
        script.write_all(include_bytes!("guard.sh")).map_err(Error::spawn(shell))?;
    }
    Ok(guard)
}

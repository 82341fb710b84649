//! Who uses the cluster, and the guard that stops the server when nobody does.
//!
//! `Drop` does not run in a process that is killed, nor for the statics of a test binary. So every user of a cluster
//! leaves a file with its process id, and a small shell script, on its own, watches them. A server that tests share
//! lingers, so that the next test binary finds it.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::error::EmbeddedError;
use super::layout::{Layout, remove_file};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// This process uses the cluster as long as this value lives.
#[derive(Debug)]
pub(super) struct Presence {
    file: PathBuf,
}

impl Presence {
    /// Signs in, then waits until a guard that is just stopping the server is done: afterwards none will.
    pub(super) fn announce(layout: &Layout) -> Result<Self, EmbeddedError> {
        let name = format!("{}.{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let file = layout.users.join(name);
        File::create(&file).map_err(EmbeddedError::io("make", &file))?;
        let presence = Self { file };
        let deadline = Instant::now() + Duration::from_secs(60);
        while layout.stopping.exists() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        // Still there: its guard was killed.
        remove_file(&layout.stopping)?;
        Ok(presence)
    }

    /// Forgets everybody: for one who holds the directory alone and may find process ids of before a restart.
    pub(super) fn forget_all(layout: &Layout) -> Result<(), EmbeddedError> {
        for name in names(layout) {
            remove_file(&layout.users.join(name))?;
        }
        Ok(())
    }

    /// The users, for an error message.
    pub(super) fn describe(layout: &Layout) -> String {
        let names = names(layout);
        let mut ids: Vec<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
        ids.sort_unstable();
        ids.dedup();
        match ids.as_slice() {
            [] => "another process".to_owned(),
            [id] => format!("process {id}"),
            ids => format!("processes {}", ids.join(", ")),
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Left behind it does no harm once this process is gone.
        let _ = fs::remove_file(&self.file);
    }
}

fn names(layout: &Layout) -> Vec<String> {
    let entries = fs::read_dir(&layout.users).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Starts the guard of the server `postmaster`, which stops it after `linger` without users. The script goes in
/// through a pipe, which keeps the list of processes readable.
pub(super) fn spawn(layout: &Layout, postmaster: u32, linger: Duration) -> Result<Child, EmbeddedError> {
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
        .map_err(EmbeddedError::spawn(shell))?;
    if let Some(mut script) = guard.stdin.take() {
        script.write_all(include_bytes!("guard.sh")).map_err(EmbeddedError::spawn(shell))?;
    }
    Ok(guard)
}

//! Is a server running on a data directory, and how far is it? Read from the file that Postgres keeps for `pg_ctl`.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::error::EmbeddedError;
use super::layout::remove_file;

/// A running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: u32,
    /// It takes connections.
    pub(super) ready: bool,
}

impl Postmaster {
    /// The server that runs on `cluster`. The process must have the directory in its command line: after a crash or a
    /// restart of the machine the file may name a process id that now belongs to somebody else.
    pub(super) fn find(cluster: &Path) -> Option<Self> {
        let postmaster = Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)?;
        let argument = format!(" {} ", cluster.to_str()?);
        command_line(postmaster.pid).contains(&argument).then_some(postmaster)
    }

    /// Removes the file of a server that is long gone, if its process id now belongs to somebody else: Postgres itself
    /// would take any process of the same user for its own server and refuse to start.
    pub(super) fn forget_stale(cluster: &Path) -> Result<(), EmbeddedError> {
        let file = cluster.join("postmaster.pid");
        let named = fs::read_to_string(&file).ok().and_then(|text| Self::parse(&text));
        match named {
            Some(named) if Self::find(cluster).is_none() && !command_line(named.pid).is_empty() => remove_file(&file),
            _ => Ok(()),
        }
    }

    /// The first line is the process id, the eighth the state, padded with spaces.
    fn parse(file: &str) -> Option<Self> {
        let mut lines = file.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        let ready = lines.nth(6).is_some_and(|state| state.trim() == "ready");
        Some(Self { pid, ready })
    }
}

/// The program and its arguments, each with a space behind it; empty if there is no such process, or only its remains.
fn command_line(pid: u32) -> String {
    let line = if Path::new("/proc/self/cmdline").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        let ps = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output();
        ps.map(|output| output.stdout).unwrap_or_default()
    };
    String::from_utf8_lossy(&line).replace(['\0', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_only_when_it_is_written() {
        let starting = "4711\n/data\n1700000000\n5432\n/tmp/x\n\n  12345 6\nstarting\n";
        assert_eq!(Postmaster::parse(starting), Some(Postmaster { pid: 4711, ready: false }));
        assert_eq!(Postmaster::parse("4711\n"), Some(Postmaster { pid: 4711, ready: false }));
        assert_eq!(
            Postmaster::parse(&starting.replace("starting", "ready   ")),
            Some(Postmaster { pid: 4711, ready: true })
        );
        assert_eq!(Postmaster::parse(""), None);
    }

    #[test]
    fn a_process_id_that_belongs_to_somebody_else_is_no_server_and_forgotten() {
        let dir = std::env::temp_dir().join(format!("rollcall-postmaster-{}", std::process::id()));
        let file = dir.join("postmaster.pid");
        fs::create_dir_all(&dir).unwrap();
        fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        let found = Postmaster::find(&dir);
        Postmaster::forget_stale(&dir).unwrap();
        let forgotten = !file.exists();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!((found, forgotten), (None, true));
    }
}

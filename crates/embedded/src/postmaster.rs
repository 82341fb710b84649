//! The running server of a cluster, read from `postmaster.pid`, the file that Postgres keeps for `pg_ctl`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::layout::remove_file;

/// A running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Postmaster {
    pub(crate) pid: u32,
    /// The server accepts connections.
    pub(crate) ready: bool,
}

impl Postmaster {
    /// Returns the server that runs on `cluster`. The command line of its process must contain the directory: after a
    /// crash or a restart of the machine, the process id in the file may belong to another process.
    pub(crate) fn find(cluster: &Path) -> Option<Self> {
        let postmaster = Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)?;
        let argument = format!(" {} ", cluster.to_str()?);
        command_line(postmaster.pid).contains(&argument).then_some(postmaster)
    }

    /// Removes `postmaster.pid` if its process id now belongs to another process. Postgres would take any process of the
    /// same user for its own server, and refuse to start. In every other case Postgres itself handles the file.
    pub(crate) fn remove_stale_file(cluster: &Path) -> Result<()> {
        let file = cluster.join("postmaster.pid");
        let named = fs::read_to_string(&file).ok().and_then(|text| Self::parse(&text));
        match named {
            Some(named) if Self::find(cluster).is_none() && !command_line(named.pid).is_empty() => remove_file(&file),
            _ => Ok(()),
        }
    }

    /// The first line is the process id. The eighth is the state, padded with spaces.
    fn parse(file: &str) -> Option<Self> {
        let mut lines = file.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        let ready = lines.nth(6).is_some_and(|state| state.trim() == "ready");
        Some(Self { pid, ready })
    }
}

/// Returns the program and its arguments, each followed by a space. The text is empty for a zombie, and if no process
/// has this id.
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
        let ready = starting.replace("starting", "ready   ");
        assert_eq!(Postmaster::parse(starting), Some(Postmaster { pid: 4711, ready: false }));
        assert_eq!(Postmaster::parse("4711\n"), Some(Postmaster { pid: 4711, ready: false }));
        assert_eq!(Postmaster::parse(&ready), Some(Postmaster { pid: 4711, ready: true }));
        assert_eq!(Postmaster::parse(""), None);
    }

    #[test]
    fn a_file_whose_process_id_belongs_to_another_process_names_no_server_and_is_removed() {
        let dir = std::env::temp_dir().join(format!("rollcall-postmaster-{}", std::process::id()));
        let file = dir.join("postmaster.pid");
        fs::create_dir_all(&dir).unwrap();
        fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        let found = Postmaster::find(&dir);
        Postmaster::remove_stale_file(&dir).unwrap();
        let removed = !file.exists();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!((found, removed), (None, true));
    }
}

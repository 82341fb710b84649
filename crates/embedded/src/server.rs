//! Creates, starts and stops a Postgres server with `initdb` and `pg_ctl`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::DEFAULT_PORT;
use crate::layout::{Layout, make_dir, remove_dir};
use crate::postmaster::Postmaster;
use crate::user::ServerUser;
use crate::{ClusterOptions, Error, Result, binaries};

/// The time limit of a start, in seconds. After a crash, the server replays its log first.
const START_SECONDS: &str = "300";
/// The time limit of a stop, in seconds.
const STOP_SECONDS: &str = "60";
/// The time limit of retries while the remains of a killed server prevent a start.
const RETRY_FOR: Duration = Duration::from_secs(15);
/// What the log says while the remains of a killed server prevent a start: its sessions need a moment to end, and its
/// process id stays until the machine's first process collects it.
const REMAINS: [&str; 2] = ["pre-existing shared memory block", "\"postmaster.pid\" already exists"];

/// The server of one data directory, whether it runs or not.
#[derive(Debug)]
pub(crate) struct PostgresProcess {
    bin_dir: PathBuf,
    user: ServerUser,
    layout: Layout,
}

impl PostgresProcess {
    /// Finds the binaries that fit the data directory. Creates the cluster if there is none.
    pub(crate) fn prepare(layout: &Layout, user: &ServerUser, durable: bool) -> Result<Self> {
        let exists = layout.cluster.exists();
        let bin_dir = if exists {
            binaries::find_version(version_of(&layout.cluster)?, &layout.data_dir)?
        } else {
            binaries::find()?
        };
        user.check_reaches(&bin_dir, &bin_dir, "PG_BIN_DIR")?;
        let server = Self { bin_dir, user: user.clone(), layout: layout.clone() };
        if !exists {
            server.init(durable)?;
        }
        Ok(server)
    }

    /// Runs `initdb` in a new directory and renames it at the end. So an interrupted `initdb` never looks like a cluster.
    fn init(&self, durable: bool) -> Result<()> {
        let new = self.layout.data_dir.join("postgres.new");
        remove_dir(&new)?;
        make_dir(&new, 0o700)?;
        self.user.take(&new)?;
        let mut initdb = self.command("initdb");
        initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust"]);
        if !durable {
            initdb.arg("--no-sync");
        }
        let output = run(initdb.arg("--pgdata").arg(&new))?;
        if !output.status.success() {
            return Err(self.failed("initdb", &reason(&output)));
        }
        fs::rename(&new, &self.layout.cluster).map_err(Error::io("rename", &new))?;
        let synced = File::open(&self.layout.data_dir).and_then(|dir| dir.sync_all());
        synced.map_err(Error::io("sync", &self.layout.data_dir))
    }

    /// Starts the server, waits until it accepts connections, and returns its process id. `pg_ctl` gives the server a
    /// session of its own, so a Ctrl-C in our terminal does not stop it before we have finished our work.
    pub(crate) fn start(&self, options: &ClusterOptions) -> Result<u32> {
        self.layout.prepare_run(&self.user)?;
        Postmaster::remove_stale_file(&self.layout.cluster)?;
        let deadline = Instant::now() + RETRY_FOR;
        loop {
            let log_before = fs::metadata(&self.layout.log).map_or(0, |log| log.len());
            let mut start = self.pg_ctl("start", START_SECONDS);
            start.arg("-l").arg(&self.layout.log).arg("-o").arg(self.settings(options));
            // Not pipes, because the server would inherit them and keep them open.
            let status = start.stdout(Stdio::null()).stderr(Stdio::null()).status();
            let status = status.map_err(Error::spawn(Path::new(start.get_program())))?;
            if status.success()
                && let Some(postmaster) = Postmaster::find(&self.layout.cluster)
            {
                return Ok(postmaster.pid);
            }
            let log = self.log_since(log_before);
            if !REMAINS.iter().any(|message| log.contains(message)) || Instant::now() >= deadline {
                return Err(self.failed("pg_ctl start", &log));
            }
            thread::sleep(Duration::from_millis(250));
        }
    }

    /// Returns the server's command line. `pg_ctl` gives it to a shell; only the empty address needs quotes there.
    fn settings(&self, options: &ClusterOptions) -> String {
        let (addresses, port) = match options.tcp_port {
            Some(port) => ("127.0.0.1", port),
            None => ("''", DEFAULT_PORT),
        };
        let mut settings = format!(
            "-c listen_addresses={addresses} -c port={port} -c unix_socket_directories={} -c max_connections={} \
             -c timezone=UTC -c log_timezone=UTC",
            self.layout.socket_dir.display(),
            options.max_connections
        );
        if !options.durable {
            settings.push_str(" -c fsync=off -c synchronous_commit=off -c full_page_writes=off");
        }
        settings
    }

    /// Ends all sessions, rolls back their transactions, and stops the server. If it does not stop, stops it without a
    /// clean shutdown.
    pub(crate) fn stop(&self) -> Result<()> {
        let mut last = String::new();
        for mode in ["fast", "immediate"] {
            if Postmaster::find(&self.layout.cluster).is_none() {
                break;
            }
            last = reason(&run(self.pg_ctl("stop", STOP_SECONDS).args(["-m", mode]))?);
        }
        if Postmaster::find(&self.layout.cluster).is_some() {
            return Err(self.failed("pg_ctl stop", &last));
        }
        // The next start can use an empty directory that stays.
        let _ = fs::remove_dir(&self.layout.socket_dir);
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        self.user.command(&self.bin_dir.join(program))
    }

    fn pg_ctl(&self, action: &str, seconds: &str) -> Command {
        let mut command = self.command("pg_ctl");
        command.args([action, "-w", "-t", seconds, "-D"]).arg(&self.layout.cluster);
        command
    }

    fn failed(&self, program: &str, reason: &str) -> Error {
        let (user, log) = (self.user.name(), self.layout.log.display());
        Error::new(format!("{program} failed as user {user}: {reason}; the server's log is {log}"))
    }

    /// Returns the last lines that the server has logged since the log had this length.
    fn log_since(&self, length: u64) -> String {
        let log = fs::read(&self.layout.log).unwrap_or_default();
        let new = log.get(usize::try_from(length).unwrap_or(0)..).unwrap_or_default();
        last_lines(new)
    }
}

/// The major version that made a cluster.
fn version_of(cluster: &Path) -> Result<u32> {
    let path = cluster.join("PG_VERSION");
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    binaries::first_number(&text)
        .ok_or_else(|| Error::io("read a version from", &path)(io::Error::other(format!("the content is {text:?}"))))
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.output();
    output.map_err(Error::spawn(Path::new(command.get_program())))
}

/// Returns the end of a program's error output, or its exit status if there is none.
fn reason(output: &Output) -> String {
    let error = last_lines(&output.stderr);
    if error.is_empty() { output.status.to_string() } else { error }
}

/// Joins the last six lines with text to one line.
fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_initdb_is_not_taken_for_a_cluster() {
        let dir = std::env::temp_dir().join(format!("rollcall-server-{}", std::process::id()));
        let user = ServerUser::choose().unwrap();
        let layout = Layout::prepare(&dir, &user).unwrap();
        fs::create_dir(dir.join("postgres.new")).unwrap();
        fs::write(dir.join("postgres.new/PG_VERSION"), "9\n").unwrap();
        let prepared = PostgresProcess::prepare(&layout, &user, false);
        let (made_by, left) = (version_of(&layout.cluster), dir.join("postgres.new").exists());
        remove_dir(&dir).unwrap();
        assert_eq!(made_by.unwrap(), binaries::major_version(&prepared.unwrap().bin_dir).unwrap());
        assert!(!left);
    }
}

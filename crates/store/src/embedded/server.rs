//! Makes, starts and stops a Postgres server with `initdb` and `pg_ctl`.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::binaries::ServerBinaries;
use super::cluster::ClusterOptions;
use super::error::EmbeddedError;
use super::layout::{Layout, make_dir, remove_dir};
use super::postmaster::Postmaster;
use super::user::ServerUser;

/// How long a start may take; after a crash it replays the log first.
const START_SECONDS: &str = "300";
const STOP_SECONDS: &str = "60";
const RETRY_FOR: Duration = Duration::from_secs(15);

/// The server of one data directory, running or not.
#[derive(Debug)]
pub(super) struct Server {
    binaries: ServerBinaries,
    user: ServerUser,
    layout: Layout,
}

impl Server {
    /// Finds the binaries that fit the data directory and makes the cluster if there is none yet.
    pub(super) fn prepare(layout: &Layout, user: &ServerUser, durable: bool) -> Result<Self, EmbeddedError> {
        let new = !layout.cluster.exists();
        let binaries = if new {
            ServerBinaries::find()?
        } else {
            ServerBinaries::find_for(&layout.data_dir, version_of(&layout.cluster)?)?
        };
        user.check_reaches(binaries.dir(), binaries.dir(), "PG_BIN_DIR")?;
        let server = Self { binaries, user: user.clone(), layout: layout.clone() };
        if new {
            server.init(durable)?;
        }
        Ok(server)
    }

    /// `initdb` in a directory beside, renamed when complete: an interrupted one is never taken for a cluster.
    fn init(&self, durable: bool) -> Result<(), EmbeddedError> {
        let new = self.layout.data_dir.join("postgres.new");
        remove_dir(&new)?;
        make_dir(&new, 0o700)?;
        self.user.take(&new)?;
        let mut initdb = self.user.command(&self.binaries.path("initdb"));
        initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust"]);
        if !durable {
            initdb.arg("--no-sync");
        }
        let output = run(initdb.arg("--pgdata").arg(&new))?;
        if !output.status.success() {
            return Err(self.failed("initdb", said(&output)));
        }
        fs::rename(&new, &self.layout.cluster).map_err(EmbeddedError::io("rename", &new))?;
        let synced = File::open(&self.layout.data_dir).and_then(|dir| dir.sync_all());
        synced.map_err(EmbeddedError::io("sync", &self.layout.data_dir))
    }

    /// Starts the server, waits until it takes connections, and returns its process id. `pg_ctl` gives it a session of
    /// its own, so that it outlives a Ctrl-C in our terminal until we have drained.
    pub(super) fn start(&self, options: &ClusterOptions) -> Result<u32, EmbeddedError> {
        self.layout.prepare_run(&self.user)?;
        Postmaster::forget_stale(&self.layout.cluster)?;
        let deadline = Instant::now() + RETRY_FOR;
        loop {
            let started = self.try_start(options);
            match &started {
                Err(error) if is_dying(error) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(250));
                }
                _ => return started,
            }
        }
    }

    fn try_start(&self, options: &ClusterOptions) -> Result<u32, EmbeddedError> {
        let log_before = fs::metadata(&self.layout.log).map_or(0, |log| log.len());
        let mut start = self.pg_ctl("start", START_SECONDS);
        start.arg("-l").arg(&self.layout.log).arg("-o").arg(self.settings(options));
        // Not pipes: the server would inherit and keep them.
        let status = start.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let status = status.map_err(EmbeddedError::spawn(&self.binaries.path("pg_ctl")))?;
        match Postmaster::find(&self.layout.cluster) {
            Some(postmaster) if status.success() => Ok(postmaster.pid),
            _ => Err(self.failed("pg_ctl start", self.log_since(log_before))),
        }
    }

    /// The server's command line, which `pg_ctl` hands to a shell: nothing in it needs quoting but the empty address.
    fn settings(&self, options: &ClusterOptions) -> String {
        let mut settings = vec![
            "listen_addresses=''".to_owned(),
            "port=5432".to_owned(),
            format!("unix_socket_directories={}", self.layout.socket_dir.display()),
            format!("max_connections={}", options.max_connections),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        if !options.durable {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
        }
        settings.iter().map(|setting| format!("-c {setting} ")).collect()
    }

    /// Ends all sessions, their transactions rolled back, and stops the server, harder if it will not.
    pub(super) fn stop(&self) -> Result<(), EmbeddedError> {
        let mut last = String::new();
        for mode in ["fast", "immediate"] {
            if Postmaster::find(&self.layout.cluster).is_none() {
                break;
            }
            let output = run(self.pg_ctl("stop", STOP_SECONDS).args(["-m", mode]))?;
            last = said(&output);
        }
        if Postmaster::find(&self.layout.cluster).is_some() {
            return Err(self.failed("pg_ctl stop", last));
        }
        // Only tidiness: an empty directory is used again.
        let _ = fs::remove_dir(&self.layout.socket_dir);
        Ok(())
    }

    fn pg_ctl(&self, action: &str, seconds: &str) -> Command {
        let mut command = self.user.command(&self.binaries.path("pg_ctl"));
        command.args([action, "-w", "-t", seconds, "-D"]).arg(&self.layout.cluster);
        command
    }

    fn failed(&self, program: &str, detail: String) -> EmbeddedError {
        let (user, log) = (self.user.name().to_owned(), self.layout.log.clone());
        EmbeddedError::Program { program: program.to_owned(), user, detail, log }
    }

    /// The last lines that the server wrote after the log had this length, as one line.
    fn log_since(&self, length: u64) -> String {
        let log = fs::read(&self.layout.log).unwrap_or_default();
        let new = log.get(usize::try_from(length).unwrap_or(0)..).unwrap_or_default();
        last_lines(&String::from_utf8_lossy(new))
    }
}

/// Whether a server that was killed is in the way: its sessions take a moment to notice, and its remains stay until
/// the machine's first process collects them.
fn is_dying(error: &EmbeddedError) -> bool {
    const SIGNS: [&str; 2] = ["pre-existing shared memory block", "\"postmaster.pid\" already exists"];
    matches!(error, EmbeddedError::Program { detail, .. } if SIGNS.iter().any(|sign| detail.contains(sign)))
}

/// The major version that made a cluster.
fn version_of(cluster: &Path) -> Result<u32, EmbeddedError> {
    let path = cluster.join("PG_VERSION");
    let text = fs::read_to_string(&path).map_err(EmbeddedError::io("read", &path))?;
    let major = text.trim().split('.').next().and_then(|major| major.parse().ok());
    major.ok_or_else(|| {
        EmbeddedError::io("read a version from", &path)(std::io::Error::other(format!("it says {text:?}")))
    })
}

fn run(command: &mut Command) -> Result<Output, EmbeddedError> {
    let output = command.output();
    output.map_err(EmbeddedError::spawn(Path::new(command.get_program())))
}

fn said(output: &Output) -> String {
    let error = last_lines(&String::from_utf8_lossy(&output.stderr));
    if error.is_empty() { output.status.to_string() } else { error }
}

fn last_lines(text: &str) -> String {
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
        let prepared = Server::prepare(&layout, &user, false);
        let (made_by, left) = (version_of(&layout.cluster), dir.join("postgres.new").exists());
        remove_dir(&dir).unwrap();
        assert_eq!(made_by.unwrap(), prepared.unwrap().binaries.major_version().unwrap());
        assert!(!left);
    }
}

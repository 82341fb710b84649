//! `rollcall jobs` as a separate process: it can be killed, paused, and given a wrong clock.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// The names of the jobs.
pub(crate) const MIGRATION: &str = "settings-migration";
/// See [`MIGRATION`].
pub(crate) const REPORT: &str = "mixed-settings-report";
/// The timeout of every wait, far longer than necessary.
pub(crate) const DEADLINE: Duration = Duration::from_secs(300);
/// The interval between checks of a condition.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// The environment of processes.
pub(crate) struct Place<'a> {
    /// The URL of the database.
    pub(crate) url: &'a str,
    /// The folder of the reports, with a folder `logs` beside it.
    pub(crate) dir: &'a Path,
}

/// A running process. Dropping the value kills it.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the process. `ahead` is the error of its host clock in seconds.
    pub(crate) fn start(place: &Place<'_>, name: &str, arguments: &[&str], ahead: Option<f64>) -> Self {
        std::fs::create_dir_all(place.dir.join("logs")).unwrap();
        let log = place.dir.join("logs").join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        for variable in ["ROLLCALL_NO_JOBS", "ROLLCALL_DATABASE_CONNECTIONS", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
            command.env_remove(variable);
        }
        command.args(arguments).args(["--log", "info", "--log-format", "json", "--listen", "127.0.0.1:0"]);
        command.args(["--reports-url", &format!("file://{}", place.dir.join("reports").display())]);
        command.env("DATABASE_URL", place.url).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::options().create(true).append(true).open(&log).unwrap());
        if let Some(ahead) = ahead {
            let library = skewing_library().expect("a library that skews clocks");
            command.env("LD_PRELOAD", library).env("FAKETIME", format!("{ahead:+.3}"));
            // A wrong clock has the wrong time of day, but the correct speed.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        Self { child: command.spawn().unwrap(), log }
    }

    /// Kills the process with SIGKILL, and waits for its end.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal to the process, by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Returns the exit status, if the process has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Returns whether the process has started to work.
    pub(crate) fn is_serving(&self) -> bool {
        std::fs::read_to_string(&self.log).unwrap_or_default().contains(r#""message":"serving""#)
    }

    /// Returns the last lines of the log, to diagnose a failure.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns the path of libfaketime, if it is installed.
pub(crate) fn skewing_library() -> Option<PathBuf> {
    let lib = |folder: &str| Path::new("/usr/lib").join(folder).join("faketime/libfaketime.so.1");
    ["x86_64-linux-gnu", "aarch64-linux-gnu", "."].map(lib).into_iter().find(|library| library.exists())
}

/// Waits until the condition returns a value. A timeout fails the test.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "it did not come: {what}");
        sleep(LOOK).await;
    }
}

/// Returns a number from the environment.
pub(crate) fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

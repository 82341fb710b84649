//! The real `rollcall serve` as a process of its own, so that its memory can be measured.

use std::{
    collections::VecDeque,
    env,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};
use tonic::transport::{Channel, Endpoint};

use crate::{Result, memory::Memory};

const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// How many lines of the log are kept. They are printed when a benchmark fails.
const KEPT_LINES: usize = 20;

type Log = Arc<Mutex<VecDeque<String>>>;

/// A running server. Dropping the value kills it.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    pid: u32,
    log: Log,
    /// The URL of the server.
    pub url: String,
    /// A connection to the server.
    pub channel: Channel,
}

impl ServerProcess {
    /// Starts a server on a database, with a folder for its reports and with more flags. Waits until it serves.
    ///
    /// # Errors
    /// When the server was not built, or does not start.
    pub async fn start(database_url: &str, reports: &Path, flags: &[&str]) -> Result<Self> {
        let mut command = Command::new(binary()?);
        for (name, _) in env::vars_os() {
            if ["ROLLCALL_", "OTEL_"].iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
                command.env_remove(name);
            }
        }
        command.arg("serve").args(flags).args(["--listen", "127.0.0.1:0", "--log-format", "json", "--reports-url"]);
        command.arg(format!("file://{}", reports.display())).env("DATABASE_URL", database_url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (pid, stderr) = child.id().zip(child.stderr.take()).ok_or("the server ended at once")?;
        let mut lines = BufReader::new(stderr).lines();
        let address = timeout(STARTS_WITHIN, address(&mut lines)).await??;
        let log = Log::default();
        tokio::spawn(keep(lines, log.clone()));
        let url = format!("http://{address}");
        let channel = Endpoint::from_shared(url.clone())?.connect().await?;
        Ok(Self { child, pid, log, url, channel })
    }

    /// The memory of the server.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory::of(self.pid)
    }

    /// The last lines of the log.
    #[must_use]
    pub fn last_lines(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Kills the server.
    ///
    /// # Errors
    /// When the server cannot be killed.
    pub async fn stop(mut self) -> Result {
        Ok(self.child.kill().await?)
    }
}

/// Returns the path of the server that was built with this program.
fn binary() -> Result<PathBuf> {
    let here = env::current_exe()?;
    let path = here.with_file_name(format!("rollcall{}", env::consts::EXE_SUFFIX));
    if path.exists() {
        return Ok(path);
    }
    let release = if cfg!(debug_assertions) { "" } else { " --release" };
    Err(format!("there is no {}; build it with: cargo build{release} -p rollcall", path.display()).into())
}

/// Returns the address in the log message of the server that serves.
async fn address(lines: &mut Lines<BufReader<ChildStderr>>) -> Result<String> {
    let mut last = String::new();
    while let Some(line) = lines.next_line().await? {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = event["address"].as_str().filter(|_| event["message"] == "serving") {
            return Ok(address.to_owned());
        }
        last = line;
    }
    Err(format!("the server did not start: {last}").into())
}

/// Reads the log to its end, so that the server never waits for a reader.
async fn keep(mut lines: Lines<BufReader<ChildStderr>>, log: Log) {
    while let Ok(Some(line)) = lines.next_line().await {
        let mut kept = log.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(line);
        if kept.len() > KEPT_LINES {
            kept.pop_front();
        }
    }
}

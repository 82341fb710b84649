//! A description of the machine on which a benchmark runs.

use std::{fs, thread};

use tokio_postgres::Client;

use crate::Result;

/// Returns one line with the date, processor, cores, memory and version of Postgres.
///
/// # Errors
/// When the database cannot be reached.
pub async fn describe(client: &Client) -> Result<String> {
    let sql = "SELECT current_date::text, current_setting('server_version')";
    let row = client.query_one(sql, &[]).await?;
    let (date, postgres): (String, String) = (row.get(0), row.get(1));
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let memory = memory.map_or_else(String::new, |kib| format!(", {} GiB", (kib + (1 << 19)) >> 20));
    Ok(format!("{date}, {processor}, {cores} cores{memory}, {}, Postgres {postgres}", std::env::consts::OS))
}

/// Returns the value of the first line `name: value` of a file of the kernel.
pub(crate) fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    value.map(|value| value.trim().to_owned())
}

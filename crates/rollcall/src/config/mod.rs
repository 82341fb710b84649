//! The configuration: each setting is a flag, an environment variable and a documented default.

mod auth;
#[cfg(test)]
mod chart;
mod tls;
mod usage;
mod values;

use std::{
    env,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use rollcall_app::{AppOptions, reports::ReportStore};
use rollcall_cli::{
    ClientTlsArguments, CredentialArguments,
    values::{duration, wave},
};
use rollcall_domain::migration::MigrationLimits;
use rollcall_embedded::running_as_root;
use rollcall_grpc::{CallLimits, ConnectionLimits, DecisionOptions};
use rollcall_jobs::{DEFAULT_REPORT_CRON, JobOptions, Schedule, TimeZone};
use rollcall_store::{ConnectionShares, DatabaseRoles, Limits, Options};
use url::Url;

use crate::error::{Error, Result};

pub(crate) use auth::AuthSettings;
pub(crate) use tls::TlsSettings;
pub(crate) use usage::parse;
pub(crate) use values::DatabaseUrl;

/// The settings of all commands. A flag overrides a variable, and a variable overrides a default.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct Config {
    /// Postgres, as postgres://user:password@host:5432/name [default: an embedded Postgres in the data directory, for
    /// this machine only]
    #[arg(long, value_name = "URL", env = "DATABASE_URL", value_parser = values::database_url, global = true)]
    pub(crate) database_url: Option<DatabaseUrl>,

    /// The database role that the service connects as: `rollcall migrate` gives it its privileges, if it exists. The
    /// embedded Postgres has roles with the default names
    #[arg(long, value_name = "ROLE", env = "ROLLCALL_SERVICE_ROLE", default_value = "rollcall_service",
          value_parser = values::database_role, global = true)]
    pub(crate) service_role: String,

    /// The database role of statements about all organizations: `rollcall migrate` gives it its privileges, if it exists.
    /// The role of the service is a member of it
    #[arg(long, value_name = "ROLE", env = "ROLLCALL_JOBS_ROLE", default_value = "rollcall_jobs",
          value_parser = values::database_role, global = true)]
    pub(crate) jobs_role: String,

    /// The address on which gRPC is served; port 0 means any free port
    #[arg(long, value_name = "IP:PORT", env = "ROLLCALL_LISTEN", default_value = "127.0.0.1:50051",
          value_parser = values::listen, global = true)]
    pub(crate) listen: SocketAddr,

    #[command(flatten)]
    pub(crate) tls: TlsSettings,

    #[command(flatten, next_help_heading = "Configuration")]
    pub(crate) client_tls: ClientTlsArguments,

    #[command(flatten)]
    pub(crate) auth: AuthSettings,

    #[command(flatten)]
    pub(crate) credentials: CredentialArguments,

    /// Where the embedded Postgres keeps its data [default: /var/lib/rollcall for root, else $XDG_DATA_HOME/rollcall or
    /// ~/.local/share/rollcall]
    #[arg(long, value_name = "DIR", env = "ROLLCALL_DATA_DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,

    /// Where reports are written and read, a file://, s3://, gs:// or az:// URL without credentials, which are read
    /// from the environment [default: file://<data-dir>/reports]
    #[arg(long, value_name = "URL", env = "ROLLCALL_REPORTS_URL", value_parser = values::reports_url, global = true)]
    pub(crate) reports_url: Option<Url>,

    /// When the nightly report is written, as a cron expression of five fields (minute, hour, day of month, month, day
    /// of week) in --report-time-zone, such as "30 1 * * *" for 01:30 every night
    #[arg(long, value_name = "CRON", env = "ROLLCALL_REPORT_SCHEDULE", default_value = DEFAULT_REPORT_CRON,
          value_parser = rollcall_jobs::parse_cron, global = true)]
    pub(crate) report_schedule: String,

    /// The time zone of --report-schedule, as an IANA name such as Europe/Berlin; daylight-saving time is followed
    #[arg(long, value_name = "ZONE", env = "ROLLCALL_REPORT_TIME_ZONE", default_value = "UTC",
          value_parser = values::time_zone, global = true)]
    pub(crate) report_time_zone: TimeZone,

    /// How long reports are kept, in days; the newest report is always kept
    #[arg(long, value_name = "TIME", env = "ROLLCALL_KEEP_REPORTS", default_value = "90d", value_parser = values::days,
          global = true)]
    pub(crate) keep_reports: Duration,

    /// How long runs of jobs that have ended are kept, in days; the newest run of each job is always kept
    #[arg(long, value_name = "TIME", env = "ROLLCALL_KEEP_RUNS", default_value = "90d", value_parser = values::days,
          global = true)]
    pub(crate) keep_runs: Duration,

    /// Leave the jobs to other processes
    #[arg(long, env = "ROLLCALL_NO_JOBS", value_parser = values::yes_or_no, global = true)]
    pub(crate) no_jobs: bool,

    /// A run of the job settings-migration migrates the organizations up to this wave
    #[arg(long, value_name = "N", env = "ROLLCALL_MIGRATION_WAVE", default_value = "0",
          value_parser = wave, global = true)]
    pub(crate) migration_wave: u32,

    /// A run of the job settings-migration stops itself after this many failed organizations in a row; 0 for no limit
    #[arg(long, value_name = "N", env = "ROLLCALL_MIGRATION_STOP_IN_A_ROW", default_value = "3",
          value_parser = values::organizations, global = true)]
    pub(crate) migration_stop_in_a_row: u32,

    /// A run of the job settings-migration stops itself when this percentage of its organizations has failed, but not
    /// before --migration-stop-in-a-row organizations have failed; 0 for no limit
    #[arg(long, value_name = "N", env = "ROLLCALL_MIGRATION_STOP_PERCENT", default_value = "1",
          value_parser = values::percent, global = true)]
    pub(crate) migration_stop_percent: u32,

    /// A run of the job settings-migration migrates this many organizations of each wave before the others of the wave,
    /// and stops itself if one of them fails; 0 for no such organizations
    #[arg(long, value_name = "N", env = "ROLLCALL_MIGRATION_CANARIES", default_value = "0",
          value_parser = values::organizations, global = true)]
    pub(crate) migration_canaries: u32,

    /// At most this many connections to Postgres, 1 to 1000
    #[arg(long, value_name = "N", env = "ROLLCALL_DATABASE_CONNECTIONS", default_value = "16",
          value_parser = values::connections, global = true)]
    pub(crate) database_connections: usize,

    /// This many of --database-connections are for checks of email export only; 0 for a quarter. With fewer than 8
    /// connections, all work shares them
    #[arg(long, value_name = "N", env = "ROLLCALL_CHECK_CONNECTIONS", default_value = "0",
          value_parser = values::share, global = true)]
    pub(crate) check_connections: usize,

    /// Other reads use at most this many of the other connections; 0 for half of them
    #[arg(long, value_name = "N", env = "ROLLCALL_READ_CONNECTIONS", default_value = "0",
          value_parser = values::share, global = true)]
    pub(crate) read_connections: usize,

    /// Exports use at most this many of the other connections; 0 for a quarter of them
    #[arg(long, value_name = "N", env = "ROLLCALL_STREAM_CONNECTIONS", default_value = "0",
          value_parser = values::share, global = true)]
    pub(crate) stream_connections: usize,

    /// Directory syncs and imports use at most this many of the other connections; 0 for a quarter of them
    #[arg(long, value_name = "N", env = "ROLLCALL_BULK_CONNECTIONS", default_value = "0",
          value_parser = values::share, global = true)]
    pub(crate) bulk_connections: usize,

    /// At most this many changes of one organization wait for the running one, in each process; more are refused with
    /// OVERLOADED
    #[arg(long, value_name = "N", env = "ROLLCALL_WAITING_WRITES", default_value = "100",
          value_parser = values::up_to_100_000, global = true)]
    pub(crate) waiting_writes: usize,

    /// How long a change waits for the other changes of its organization, such as 500ms, 60s or 2m
    #[arg(long, value_name = "TIME", env = "ROLLCALL_WRITE_WAIT", default_value = "60s", value_parser = duration,
          global = true)]
    pub(crate) write_wait: Duration,

    /// At most this many checks of email export run at a time; more are refused with OVERLOADED, as for the next settings
    #[arg(long, value_name = "N", env = "ROLLCALL_CHECK_CALLS", default_value = "500",
          value_parser = values::up_to_100_000, global = true)]
    pub(crate) check_calls: usize,

    /// At most this many other reads at a time
    #[arg(long, value_name = "N", env = "ROLLCALL_READ_CALLS", default_value = "200",
          value_parser = values::up_to_100_000, global = true)]
    pub(crate) read_calls: usize,

    /// At most this many changes at a time, the waiting ones included
    #[arg(long, value_name = "N", env = "ROLLCALL_WRITE_CALLS", default_value = "400",
          value_parser = values::up_to_100_000, global = true)]
    pub(crate) write_calls: usize,

    /// At most this many directory syncs and imports at a time
    #[arg(long, value_name = "N", env = "ROLLCALL_BULK_CALLS", default_value = "32",
          value_parser = values::up_to_100_000, global = true)]
    pub(crate) bulk_calls: usize,

    /// At most this many exports and downloads at a time
    #[arg(long, value_name = "N", env = "ROLLCALL_STREAM_CALLS", default_value = "16",
          value_parser = values::up_to_100_000, global = true)]
    pub(crate) stream_calls: usize,

    /// How much memory email export decisions may use, such as 256MiB or 2GiB: the members of the organizations that were
    /// asked about last are kept in memory
    #[arg(long, value_name = "SIZE", env = "ROLLCALL_DECISION_MEMORY", default_value = "256MiB",
          value_parser = values::memory, global = true)]
    pub(crate) decision_memory: u64,

    /// How often the database is asked which of these organizations have changed, 10ms to 60s
    #[arg(long, value_name = "TIME", env = "ROLLCALL_DECISION_POLL_INTERVAL", default_value = "200ms",
          value_parser = values::poll_interval, global = true)]
    pub(crate) decision_poll_interval: Duration,

    /// Tell other processes of each write with NOTIFY, and LISTEN to theirs; false for a pooler without sessions, with which
    /// the next poll finds each write
    #[arg(long, value_name = "BOOL", env = "ROLLCALL_DECISION_SIGNALS", default_value = "true",
          action = clap::ArgAction::Set, value_parser = values::yes_or_no, global = true)]
    pub(crate) decision_signals: bool,

    /// How old an email export decision may be, 1s to 60s; older ones are read from the database
    #[arg(long, value_name = "TIME", env = "ROLLCALL_MAX_STALENESS", default_value = "5s",
          value_parser = values::max_staleness, global = true)]
    pub(crate) max_staleness: Duration,

    /// How old an email export decision may be while the database cannot be reached, 1s to 24h; then the answer is
    /// UNAVAILABLE
    #[arg(long, value_name = "TIME", env = "ROLLCALL_MAX_STALENESS_ON_OUTAGE", default_value = "5m",
          value_parser = values::max_staleness_on_outage, global = true)]
    pub(crate) max_staleness_on_outage: Duration,

    /// How much memory all calls together may reserve, such as 768MiB or 2GiB: a call reserves a multiple of the size of
    /// its messages
    #[arg(long, value_name = "SIZE", env = "ROLLCALL_CALL_MEMORY", default_value = "768MiB",
          value_parser = values::memory, global = true)]
    pub(crate) call_memory: u64,

    /// The part of each limit of calls, connections and memory that one organization may use, in percent
    #[arg(long, value_name = "PERCENT", env = "ROLLCALL_ORGANIZATION_SHARE", default_value = "50",
          value_parser = values::organization_share, global = true)]
    pub(crate) organization_share: u32,

    /// How long an export or a download may take, at least 1s, such as 90s or 10m; it can be resumed
    #[arg(long, value_name = "TIME", env = "ROLLCALL_STREAM_TIME", default_value = "10m",
          value_parser = values::seconds, global = true)]
    pub(crate) stream_time: Duration,

    /// At most this many open connections of clients, 1 to 100000; further clients wait until one closes
    #[arg(long, value_name = "N", env = "ROLLCALL_CLIENT_CONNECTIONS", default_value = "900",
          value_parser = values::up_to_100_000, global = true)]
    pub(crate) client_connections: usize,

    /// How long a client's connection stays open without a call, at least 1s, such as 90s or 15m
    #[arg(long, value_name = "TIME", env = "ROLLCALL_CLIENT_IDLE_TIMEOUT", default_value = "15m",
          value_parser = values::seconds, global = true)]
    pub(crate) client_idle_timeout: Duration,

    /// How long a stop waits for running calls and jobs, such as 500ms, 25s or 2m
    #[arg(long, value_name = "TIME", env = "ROLLCALL_SHUTDOWN_TIMEOUT", default_value = "25s",
          value_parser = duration, global = true)]
    pub(crate) shutdown_timeout: Duration,

    /// What is logged: a level, or directives such as info,rollcall_store=debug [default: info; demo, import, job
    /// and migration: warn]
    #[arg(long, value_name = "FILTER", env = "ROLLCALL_LOG", value_parser = values::log_filter, global = true)]
    pub(crate) log: Option<String>,

    /// How logs are written, to stderr [default: text on a terminal, else json]
    #[arg(long, value_name = "FORMAT", env = "ROLLCALL_LOG_FORMAT", value_enum, global = true)]
    pub(crate) log_format: Option<LogFormat>,

    /// The OTLP collector that receives traces over gRPC, such as http://localhost:4317 [default: none, no traces]
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = values::otlp_endpoint,
          global = true)]
    pub(crate) otlp_endpoint: Option<Url>,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[value(help = None)]
    Text,
    /// One JSON object a line.
    #[value(help = None)]
    Json,
}

impl Config {
    /// Returns the directory of the embedded Postgres as an absolute path.
    ///
    /// # Errors
    /// No directory is given, and HOME is not set.
    pub(crate) fn data_dir(&self) -> Result<PathBuf> {
        let dir = match &self.data_dir {
            Some(dir) => dir.clone(),
            None => default_data_dir()?,
        };
        std::path::absolute(&dir).map_err(Error::doing(format!("cannot resolve the data directory {}", dir.display())))
    }

    /// Returns the configuration of a server that only this process uses: without TLS.
    pub(crate) fn without_tls(&self) -> Self {
        Self { tls: TlsSettings::default(), ..self.clone() }
    }

    /// Opens the store of the reports.
    ///
    /// # Errors
    /// The URL is missing and HOME is not set, or the URL cannot be used.
    pub(crate) fn open_reports(&self) -> Result<ReportStore> {
        let url = match &self.reports_url {
            Some(url) => url.clone(),
            None => {
                let dir = self.data_dir()?.join("reports");
                Url::from_file_path(&dir)
                    .map_err(|()| Error::usage(format!("{} cannot be written as a file:// URL", dir.display())))?
            }
        };
        ReportStore::open(url.as_str()).map_err(Error::doing("cannot use --reports-url (ROLLCALL_REPORTS_URL)"))
    }

    /// Returns the options of the service.
    pub(crate) fn app_options(&self) -> AppOptions {
        let Self { migration_wave, keep_reports, keep_runs, .. } = *self;
        let migration_limits = MigrationLimits {
            failures_in_a_row: self.migration_stop_in_a_row,
            failures_percent: self.migration_stop_percent,
            canaries: self.migration_canaries,
        };
        AppOptions { migration_wave, migration_limits, keep_reports, keep_runs }
    }

    /// Returns how to connect to the database of a URL.
    pub(crate) fn database_options(&self, url: &str) -> Options {
        let shares = ConnectionShares {
            checks: self.check_connections,
            reads: self.read_connections,
            streams: self.stream_connections,
            bulk: self.bulk_connections,
            organization_percent: self.organization_share,
        };
        Options { url: url.to_owned(), connections: self.database_connections, shares }
    }

    /// Returns the roles to which the schema migration gives privileges.
    pub(crate) fn database_roles(&self) -> DatabaseRoles {
        DatabaseRoles { service: self.service_role.clone(), jobs: self.jobs_role.clone() }
    }

    /// Returns the limits of the calls.
    pub(crate) fn call_limits(&self) -> CallLimits {
        CallLimits {
            checks: self.check_calls,
            reads: self.read_calls,
            writes: self.write_calls,
            bulk: self.bulk_calls,
            streams: self.stream_calls,
            memory: self.call_memory,
            organization_percent: self.organization_share,
            stream_time: self.stream_time,
        }
    }

    /// Returns the limits of the waits for the database.
    pub(crate) fn limits(&self) -> Limits {
        Limits { waiting_writes: self.waiting_writes, lock: self.write_wait, ..Limits::default() }
    }

    /// Returns how much memory email export decisions may use, and how old they may be.
    pub(crate) fn decision_options(&self) -> DecisionOptions {
        DecisionOptions {
            memory: self.decision_memory,
            poll_interval: self.decision_poll_interval,
            listen: self.decision_signals,
            max_staleness: self.max_staleness,
            max_staleness_on_outage: self.max_staleness_on_outage,
        }
    }

    /// Returns the limits of the connections of clients.
    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits { open: self.client_connections, idle: self.client_idle_timeout, ..Default::default() }
    }

    /// Returns the options of the jobs.
    pub(crate) fn job_options(&self) -> JobOptions {
        let cron = self.report_schedule.clone().into();
        JobOptions { report_schedule: Schedule { cron, time_zone: self.report_time_zone } }
    }

    /// Returns the format of the log. The default is text on a terminal, and JSON elsewhere.
    pub(crate) fn log_format(&self) -> LogFormat {
        let default = if io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
        self.log_format.unwrap_or(default)
    }
}

fn default_data_dir() -> Result<PathBuf> {
    if running_as_root() {
        return Ok(PathBuf::from("/var/lib/rollcall"));
    }
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data.map(|data| data.join("rollcall")).ok_or_else(|| {
        Error::usage("--data-dir (ROLLCALL_DATA_DIR) is needed, because HOME is not set: give a directory")
    })
}

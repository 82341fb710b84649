//! `rollcall migration import`: streams old settings from a CSV file to the server, and reports the outcome of each
//! row.

mod outcomes;
pub mod rows;

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rollcall_domain::OrganizationId;
use rollcall_proto::v1::{EmailExport, ImportLegacySettingsRequest, ImportLegacySettingsResponse, LegacySetting};
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    csv_file::CsvFile,
    error::{Error, Result},
    output::{print_line, rejected_rows},
    values,
};
use outcomes::RowOutcomes;
use rows::LegacySettingsFile;

/// Rows in one message, which is far below the limit of 4 MiB.
const BATCH_ROWS: usize = 1_000;
/// Messages that may wait for the network.
const QUEUED_MESSAGES: usize = 8;
/// How many rejected rows are printed to stderr.
const SHOWN_REJECTIONS: u64 = 20;
const OUTCOME_COLUMNS: [&str; 4] = ["line", "email", "outcome", "reason"];

/// The arguments of `migration import`.
#[derive(Debug, clap::Args)]
pub struct MigrationImportArguments {
    /// A CSV file in UTF-8. Its header has the columns email and export; export is true or false
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The organization, which must be in phase LEGACY
    #[arg(long, value_name = "ID", value_parser = values::organization)]
    pub organization: OrganizationId,
    /// Write a CSV file with the outcome of each row
    #[arg(long, value_name = "FILE")]
    pub outcomes: Option<PathBuf>,
    /// Check every row and write nothing
    #[arg(long)]
    pub validate_only: bool,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall migration import`, with its files already open.
#[derive(Debug)]
pub struct MigrationImport {
    arguments: MigrationImportArguments,
    rows: LegacySettingsFile,
    outcomes: Option<CsvFile>,
}

/// The rows that were read from the file.
#[derive(Clone, Copy, Debug, Default)]
struct ReadCounts {
    rows: u64,
    /// Wrong rows, which were not sent.
    not_sent: u64,
}

impl MigrationImport {
    /// Opens the files, so that a wrong path is reported before a server is involved.
    ///
    /// # Errors
    /// The file cannot be read twice or has no columns `email` and `export`, or the outcomes cannot be written.
    pub fn open(arguments: MigrationImportArguments) -> Result<Self> {
        let (path, outcomes) = (&arguments.file, arguments.outcomes.as_deref());
        if path.exists() && !path.is_file() {
            return Err(Error::usage(format!("{} cannot be read twice: give a regular file", path.display())));
        }
        let rows = LegacySettingsFile::open(path)?;
        if outcomes.is_some_and(|outcomes| is_same_file(outcomes, path)) {
            return Err(Error::usage(format!("--outcomes would overwrite {}: give another file", path.display())));
        }
        let outcomes = outcomes.map(|path| CsvFile::create(path, &OUTCOME_COLUMNS)).transpose()?;
        Ok(Self { arguments, rows, outcomes })
    }

    /// Imports the file and prints the number of rows by outcome.
    ///
    /// # Errors
    /// The server refuses the import, or a row was rejected.
    pub async fn run(self, server: &ServerConnection) -> Result {
        let Self { arguments, rows, outcomes } = self;
        let MigrationImportArguments { organization, validate_only, file: path, .. } = arguments;
        for column in rows.ignored_columns() {
            eprintln!("the column `{column}` is ignored");
        }
        let options = ImportLegacySettingsRequest {
            parent: format!("organizations/{organization}"),
            validate_only,
            list_all_rows: true,
            ..Default::default()
        };
        let (read, mut imported) = send(server, options, rows).await?;
        let rejected = read.not_sent + u64::from(imported.rejected_count.unsigned_abs());
        let done = if validate_only { "checked, nothing was written" } else { "imported" };
        let summary = format!(
            "{} rows of {} are {done}:\n  {} taken, of members\n  \
             {} taken, and waiting for a member with the address\n  \
             {} duplicates of an earlier row\n  {rejected} rejected",
            read.rows,
            path.display(),
            imported.bound_count,
            imported.unmatched_count,
            imported.duplicate_count
        );
        let row_outcomes = RowOutcomes::new(&mut imported);
        if rejected > 0 || outcomes.is_some() {
            let report = move || report_outcomes(LegacySettingsFile::open(&path)?, row_outcomes, outcomes, read);
            spawn_blocking(report).await.map_err(Error::doing("cannot report the outcomes"))??;
        }
        print_line(summary);
        if rejected == 0 { Ok(()) } else { Err(Error::failed(rejected_rows(rejected))) }
    }
}

/// Returns whether both paths lead to the same existing file, also through links.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// Streams the rows to the server. If the file cannot be read to its end, the server applies nothing.
async fn send(
    server: &ServerConnection,
    options: ImportLegacySettingsRequest,
    rows: LegacySettingsFile,
) -> Result<(ReadCounts, ImportLegacySettingsResponse)> {
    let (sender, messages) = mpsc::channel(QUEUED_MESSAGES);
    let open = sender.clone();
    let reading = async {
        let read = spawn_blocking(move || read_rows(rows, options, &sender)).await;
        let counts = read.map_err(Error::doing("cannot read the file"))??;
        // The stream must not end before the file was read to its end, or the server would import only a part of it. If
        // reading fails, the call is dropped while the stream is still open.
        drop(open);
        Ok(counts)
    };
    let call = async {
        let mut client = server.migration().max_decoding_message_size(usize::MAX);
        let imported = client.import_legacy_settings(ReceiverStream::new(messages)).await;
        answer("cannot import the old settings", imported)
    };
    tokio::try_join!(reading, call)
}

fn read_rows(
    rows: LegacySettingsFile,
    mut message: ImportLegacySettingsRequest,
    sender: &mpsc::Sender<ImportLegacySettingsRequest>,
) -> Result<ReadCounts> {
    let mut counts = ReadCounts::default();
    for row in rows {
        let row = row.map_err(Error::doing("cannot read the file; nothing was imported"))?;
        counts.rows += 1;
        let Ok(export) = row.export else {
            counts.not_sent += 1;
            continue;
        };
        let email_export = if export { EmailExport::Export } else { EmailExport::DoNotExport };
        message.settings.push(LegacySetting { email: row.email, email_export: email_export.into() });
        // Sending fails only after the call has failed. The call's error is then reported.
        if message.settings.len() == BATCH_ROWS && sender.blocking_send(std::mem::take(&mut message)).is_err() {
            return Ok(counts);
        }
    }
    // The options must arrive even if there is no row.
    let _ = sender.blocking_send(message);
    Ok(counts)
}

/// Reads the file again, writes the outcome of each row, and prints the first rejected rows to stderr.
fn report_outcomes(
    rows: LegacySettingsFile,
    mut row_outcomes: RowOutcomes,
    mut outcomes: Option<CsvFile>,
    first_read: ReadCounts,
) -> Result {
    let (mut read, mut rejected) = (0, 0);
    for row in rows {
        let row = row.map_err(Error::doing("the rows were imported, but the file cannot be read again"))?;
        read += 1;
        let (outcome, reason) = row_outcomes.outcome(&row);
        if outcome == "rejected" {
            rejected += 1;
            if rejected <= SHOWN_REJECTIONS {
                eprintln!("rejected line {} {:?}: {reason}", row.line, row.email);
            }
        }
        if let Some(outcomes) = &mut outcomes {
            outcomes.write_row(&[row.line.to_string().as_str(), &row.email, outcome, reason])?;
        }
    }
    if rejected > SHOWN_REJECTIONS {
        eprintln!("rejected {} more; --outcomes FILE lists them all", rejected - SHOWN_REJECTIONS);
    }
    if read != first_read.rows {
        return Err(Error::failed(
            "the file changed during the import, so the outcomes of its rows are unknown; import the file again",
        ));
    }
    outcomes.map_or(Ok(()), CsvFile::finish)
}

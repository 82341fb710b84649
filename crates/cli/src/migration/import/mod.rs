//! `rollcall migration import`: streams old settings from a CSV file to the server, and reports the outcome of each
//! row.

mod outcomes;
mod rows;

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
    connection::{ServerConnection, call_failed},
    csv_file::CsvFile,
    error::{Error, Result},
    output::print_line,
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
pub struct MigrationImport {
    path: PathBuf,
    organization: OrganizationId,
    validate_only: bool,
    rows: LegacySettingsFile,
    outcomes: Option<CsvFile>,
}

/// The rows that were read from the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    pub fn open(arguments: &MigrationImportArguments) -> Result<Self> {
        let path = arguments.file.clone();
        if path.exists() && !path.is_file() {
            return Err(Error::usage(format!("{} cannot be read twice: give a regular file", path.display())));
        }
        let rows = LegacySettingsFile::open(&path)?;
        if arguments.outcomes.as_deref().is_some_and(|outcomes| is_same_file(outcomes, &path)) {
            return Err(Error::usage(format!("--outcomes would overwrite {}: give another file", path.display())));
        }
        let outcomes = arguments.outcomes.as_deref().map(|path| CsvFile::create(path, &OUTCOME_COLUMNS)).transpose()?;
        let MigrationImportArguments { organization, validate_only, .. } = arguments;
        Ok(Self { path, organization: organization.clone(), validate_only: *validate_only, rows, outcomes })
    }

    /// Imports the file and prints the number of rows by outcome.
    ///
    /// # Errors
    /// The server refuses the import, or a row was rejected.
    pub async fn run(self, server: &ServerConnection) -> Result {
        let Self { path, organization, validate_only, rows, outcomes } = self;
        for column in rows.ignored_columns() {
            eprintln!("the column `{column}` is ignored");
        }
        let options = ImportLegacySettingsRequest {
            parent: format!("organizations/{organization}"),
            validate_only,
            list_all_rows: true,
            ..Default::default()
        };
        let (read, mut answer) = send(server, options, rows).await?;
        let rejected = read.not_sent + u64::from(answer.rejected_count.unsigned_abs());
        let row_outcomes = RowOutcomes::new(&mut answer);
        if rejected > 0 || outcomes.is_some() {
            let path = path.clone();
            let report = move || report_outcomes(LegacySettingsFile::open(&path)?, row_outcomes, outcomes, read);
            spawn_blocking(report).await.map_err(Error::doing("cannot report the outcomes"))??;
        }
        let done = if validate_only { "checked, nothing was written" } else { "imported" };
        print_line(format!("{} rows of {} are {done}:", read.rows, path.display()));
        print_line(format!("  {} taken, of members", answer.bound_count));
        print_line(format!("  {} taken, and waiting for a member with the address", answer.unmatched_count));
        print_line(format!("  {} duplicates of an earlier row", answer.duplicate_count));
        print_line(format!("  {rejected} rejected"));
        match rejected {
            0 => Ok(()),
            1 => Err(Error::failed("1 row was rejected")),
            more => Err(Error::failed(format!("{more} rows were rejected"))),
        }
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
        let answered = client.import_legacy_settings(ReceiverStream::new(messages)).await;
        Ok(answered.map_err(call_failed("cannot import the old settings"))?.into_inner())
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
            outcomes.write_row(&[&row.line.to_string(), &row.email, outcome, reason])?;
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

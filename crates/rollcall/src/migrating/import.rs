//! `migration import`: old settings from a file, streamed to the server, and what came of each row.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rollcall_domain::OrganizationId;
use rollcall_proto::v1::{EmailExport, ImportLegacySettingsRequest, ImportLegacySettingsResponse, LegacySetting};
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    arguments::ImportArguments,
    outcomes::{Answered, Outcomes},
    rows::Rows,
};
use crate::{
    error::{Error, Result},
    progress::say,
    remote::{self, Remote},
};

/// How many rows a message has; far from the 4 MiB that one may have.
const BATCH: usize = 1_000;
/// How many messages wait for the network.
const AHEAD: usize = 8;
/// How many rejected rows are named on stderr.
const NAMED: u64 = 20;

/// An import whose files are open.
pub(super) struct Import {
    file: PathBuf,
    organization: OrganizationId,
    validate_only: bool,
    rows: Rows,
    outcomes: Option<Outcomes>,
}

/// Whether two paths lead to one file that is there, also through links.
fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// What was read of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sent {
    rows: u64,
    /// Rows that made no sense, and so were not sent.
    unreadable: u64,
}

impl Import {
    /// Opens the files before anything is asked for.
    ///
    /// # Errors
    /// A file that cannot be read twice, has no columns `email` and `export`, or cannot be written.
    pub(super) fn open(arguments: &ImportArguments) -> Result<Self> {
        let file = arguments.file.clone();
        if file.exists() && !file.is_file() {
            return Err(Error::usage(format!("{} is read twice: give a regular file", file.display())));
        }
        let rows = Rows::open(&file)?;
        if arguments.outcomes.as_deref().is_some_and(|outcomes| is_same(outcomes, &file)) {
            return Err(Error::usage(format!("--outcomes would overwrite {}: give another file", file.display())));
        }
        let outcomes = arguments.outcomes.as_deref().map(Outcomes::create).transpose()?;
        let ImportArguments { organization, validate_only, .. } = arguments;
        Ok(Self { file, organization: organization.clone(), validate_only: *validate_only, rows, outcomes })
    }

    /// Imports, and tells what came of it.
    ///
    /// # Errors
    /// When the server refuses, or any row was rejected.
    pub(super) async fn run(self, remote: &Remote) -> Result {
        let Self { file, organization, validate_only, rows, outcomes } = self;
        for column in rows.ignored() {
            eprintln!("the column `{column}` is ignored");
        }
        let options = ImportLegacySettingsRequest {
            parent: format!("organizations/{organization}"),
            validate_only,
            list_all_rows: true,
            ..Default::default()
        };
        let (sent, mut answer) = send(remote, options, rows).await?;
        let rejected = sent.unreadable + u64::from(answer.rejected_count.unsigned_abs());
        let answered = Answered::new(&mut answer);
        if rejected > 0 || outcomes.is_some() {
            let path = file.clone();
            let told = spawn_blocking(move || tell(Rows::open(&path)?, answered, outcomes, sent)).await;
            told.map_err(Error::doing("cannot tell the outcomes"))??;
        }
        let done = if validate_only { "checked, nothing was written" } else { "imported" };
        say(format!("{} rows of {} are {done}:", sent.rows, file.display()));
        say(format!("  {} taken, of members", answer.bound_count));
        say(format!("  {} taken, and waiting for a member with the address", answer.unmatched_count));
        say(format!("  {} duplicates, which say the same as an earlier row", answer.duplicate_count));
        say(format!("  {rejected} rejected"));
        match rejected {
            0 => Ok(()),
            1 => Err(Error::failed("1 row was rejected")),
            more => Err(Error::failed(format!("{more} rows were rejected"))),
        }
    }
}

/// Streams the rows; of a file that breaks off nothing is applied.
async fn send(
    remote: &Remote,
    options: ImportLegacySettingsRequest,
    rows: Rows,
) -> Result<(Sent, ImportLegacySettingsResponse)> {
    let (sender, messages) = mpsc::channel(AHEAD);
    let open = sender.clone();
    let reading = async {
        let read = spawn_blocking(move || read(rows, options, &sender)).await;
        let sent = read.map_err(Error::doing("cannot read the file"))??;
        // The stream ends here and not with the thread: where that fails the call is given up with the stream open, so
        // that the server does not take half of the file for the whole.
        drop(open);
        Ok(sent)
    };
    let call = async {
        let mut client = remote.migration().max_decoding_message_size(usize::MAX);
        let answered = client.import_legacy_settings(ReceiverStream::new(messages)).await;
        Ok(answered.map_err(remote::refused("cannot import the old settings"))?.into_inner())
    };
    tokio::try_join!(reading, call)
}

fn read(
    rows: Rows,
    mut message: ImportLegacySettingsRequest,
    sender: &mpsc::Sender<ImportLegacySettingsRequest>,
) -> Result<Sent> {
    let mut sent = Sent::default();
    for row in rows {
        let row = row.map_err(Error::doing("cannot read the file; nothing was imported"))?;
        sent.rows += 1;
        let Ok(export) = row.export else {
            sent.unreadable += 1;
            continue;
        };
        let email_export = if export { EmailExport::Export } else { EmailExport::DoNotExport };
        message.settings.push(LegacySetting { email: row.email, email_export: email_export.into() });
        // Where nobody receives any more, the call has failed and says why.
        if message.settings.len() == BATCH && sender.blocking_send(std::mem::take(&mut message)).is_err() {
            return Ok(sent);
        }
    }
    // The first message has the options, also where there is no row.
    let _ = sender.blocking_send(message);
    Ok(sent)
}

/// Goes through the file again: writes what came of each row, and names the first ones that were rejected.
fn tell(rows: Rows, mut answered: Answered, mut outcomes: Option<Outcomes>, sent: Sent) -> Result {
    let (mut read, mut rejected) = (0, 0);
    for row in rows {
        let row = row.map_err(Error::doing("the rows were imported, but the file cannot be read again"))?;
        read += 1;
        let (outcome, reason) = answered.outcome(&row);
        if outcome == "rejected" {
            rejected += 1;
            if rejected <= NAMED {
                eprintln!("rejected line {} {:?}: {reason}", row.line, row.email);
            }
        }
        if let Some(outcomes) = &mut outcomes {
            outcomes.add(&row, outcome, reason)?;
        }
    }
    if rejected > NAMED {
        eprintln!("rejected {} more; --outcomes FILE lists them all", rejected - NAMED);
    }
    if read != sent.rows {
        return Err(Error::failed("the file has changed meanwhile, so that what came of each row cannot be told"));
    }
    outcomes.map_or(Ok(()), |mut outcomes| outcomes.flush())
}

//! `rollcall report download`: writes a file of a published report to this machine, after comparing its checksum.

use std::path::{Path, PathBuf};

use url::Url;

use super::published_file::{download_file, find_newest_report, report_name};
use crate::{connection::ServerConnection, error::Result, output::print_line, values};

/// The arguments of `report download`.
#[derive(Debug, clap::Args)]
pub struct ReportDownloadArguments {
    /// The report, as `rollcall report list` shows it [default: the report that was published last]
    #[arg(value_name = "REPORT")]
    pub report: Option<String>,
    /// The file of the report, such as changes.csv, index.html or manifest.json
    #[arg(long, value_name = "FILE", default_value = "mixed-settings.csv")]
    pub file: String,
    /// Where to write the file; a file that exists is replaced [default: the name of the file, in this directory]
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall report download`.
///
/// # Errors
/// The call fails, the download is damaged, or the file cannot be written. A file that existed before is then unchanged.
pub async fn run(server: &ServerConnection, arguments: &ReportDownloadArguments) -> Result {
    let name = match &arguments.report {
        Some(report) => report_name(report),
        None => find_newest_report(server).await?.name,
    };
    let output = arguments.output.as_deref().unwrap_or(Path::new(&arguments.file));
    let bytes = download_file(server, &name, &arguments.file, output).await?;
    print_line(format!("{name}: {bytes} bytes of {} in {}", arguments.file, output.display()));
    Ok(())
}

//! `rollcall report open`: shows the page of a published report. All files of the report are downloaded into one
//! directory, so that the links of the page work.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Component, Path, PathBuf},
};

use rollcall_proto::v1::{GetReportRequest, Report};
use url::Url;

use super::published_file::{download_file, find_newest_report, report_name};
use crate::{
    connection::{ServerConnection, answer},
    error::{Error, Result},
    output::print_line,
    values,
};

/// The page of a report.
const PAGE_FILE: &str = "index.html";

/// Only the user may read a temporary directory, because reports have email addresses.
const DIRECTORY_MODE: u32 = 0o700;

/// The arguments of `report open`.
#[derive(Debug, clap::Args)]
pub struct ReportOpenArguments {
    /// The report, as `rollcall report list` shows it [default: the report that was published last]
    #[arg(value_name = "REPORT")]
    pub report: Option<String>,
    /// The directory for the files of the report; files that exist are replaced [default: a new temporary directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub output: Option<PathBuf>,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall report open`.
///
/// # Errors
/// The call fails, the report has no page, a download is damaged, or a file cannot be written. A page that cannot be
/// shown is no error: its path is printed.
pub async fn run(server: &ServerConnection, arguments: &ReportOpenArguments) -> Result {
    let report = match &arguments.report {
        Some(report) => get_report(server, report).await?,
        None => find_newest_report(server).await?,
    };
    if !report.files.iter().any(|file| file.file == PAGE_FILE) {
        let advice = "`rollcall report download` writes its CSV, and `rollcall job run mixed-settings-report` writes a \
             new report with a page";
        return Err(Error::failed(format!(
            "{} was written by an older version and has no page; {advice}",
            report.name
        )));
    }
    let directory = create_directory(arguments.output.as_deref())?;
    for file in &report.files {
        check_file_name(&file.file)?;
        download_file(server, &report.name, &file.file, &directory.join(&file.file)).await?;
    }
    print_line(format!("{}: {} files in {}", report.name, report.files.len(), directory.display()));
    let page = directory.join(PAGE_FILE);
    print_line(match show(&page) {
        Ok(()) => format!("opened {}", page.display()),
        Err(reason) => format!("{reason}, so open this file in a browser: {}", page.display()),
    });
    Ok(())
}

async fn get_report(server: &ServerConnection, report: &str) -> Result<Report> {
    let name = report_name(report);
    let call = server.reports().get_report(GetReportRequest { name: name.clone() }).await;
    Ok(answer(format!("cannot read {name}"), call)?.report.unwrap_or_default())
}

/// Checks that the file stays in the directory, whatever the server says.
fn check_file_name(file: &str) -> Result {
    let mut parts = Path::new(file).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name == file => Ok(()),
        _ => Err(Error::failed(format!("the server names the file {file:?}, which is not the name of a file"))),
    }
}

/// Creates the directory.
fn create_directory(output: Option<&Path>) -> Result<PathBuf> {
    match output {
        Some(directory) => fs::create_dir_all(directory)
            .map(|()| directory.to_owned())
            .map_err(Error::doing(format!("cannot create {}", directory.display()))),
        None => tempfile::Builder::new()
            .prefix("rollcall-report-")
            .permissions(Permissions::from_mode(DIRECTORY_MODE))
            .tempdir()
            .map(tempfile::TempDir::keep)
            .map_err(Error::doing("cannot create a temporary directory")),
    }
}

/// Opens a file with the program that the system uses for it. Fails with the reason why it cannot be shown.
fn show(file: &Path) -> std::result::Result<(), &'static str> {
    if !has_desktop() {
        return Err("this machine has no desktop");
    }
    open::that_detached(file).map_err(|_| "no program of this machine opens the page")
}

/// Whether there is a desktop. Without one, the openers of Linux would start a browser in the terminal.
fn has_desktop() -> bool {
    let is_set = |variable| env::var_os(variable).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

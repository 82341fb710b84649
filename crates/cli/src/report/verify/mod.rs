//! `rollcall report verify`: checks a published report as a program that reads it would, and prints every problem.

mod files;
mod folder;
mod format;
mod manifest;
pub mod records;
mod table;

use std::{collections::BTreeSet, sync::Arc};

use object_store::ObjectStore;
use url::Url;

use crate::{
    error::{Error, Result},
    output::print_line,
};
use folder::PublishedFolder;
use format::{MANIFEST_FILE, PublishedManifest, UnpublishedOrganization};

/// The arguments of `report verify`.
#[derive(Debug, clap::Args)]
pub struct ReportVerifyArguments {
    /// The URL of a run's folder, of its manifest.json, or of latest.json, such as
    /// file:///var/lib/rollcall/reports/mixed-settings/latest.json
    #[arg(value_name = "URL", value_parser = report_url)]
    pub url: Url,
}

fn report_url(text: &str) -> std::result::Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| !url.cannot_be_a_base());
    url.ok_or_else(|| "give a URL, such as file:///var/lib/rollcall/reports/mixed-settings/latest.json".to_owned())
}

/// `rollcall report verify`. `open_store` opens the store at a URL.
///
/// # Errors
/// The report has a problem, or it cannot be read.
pub async fn run(
    arguments: &ReportVerifyArguments,
    open_store: impl FnOnce(&Url) -> Result<Arc<dyn ObjectStore>>,
) -> Result {
    let folder = PublishedFolder::open(&arguments.url, open_store).await?;
    let (problems, manifest) = find_problems(&folder).await?;
    for problem in &problems {
        print_line(problem);
    }
    match manifest {
        Some(manifest) if problems.is_empty() => {
            print_line(summary(&manifest));
            manifest.missing_organizations.iter().for_each(|missing| print_line(missing_line(missing)));
            Ok(())
        }
        _ => Err(Error::failed(match problems.len() {
            1 => format!("the report in {} has 1 problem", folder.url),
            number => format!("the report in {} has {number} problems", folder.url),
        })),
    }
}

/// Returns all problems, one line each, and the manifest if it can be read.
async fn find_problems(folder: &PublishedFolder) -> Result<(Vec<String>, Option<PublishedManifest>)> {
    let manifest = match manifest::read(folder).await? {
        Ok(manifest) => manifest,
        Err(problem) => return Ok((vec![problem], None)),
    };
    let mut problems = manifest::contradictions(&manifest);
    for file in &manifest.files {
        problems.extend(files::find_problems(folder, file, &manifest).await?);
    }
    let mut listed: BTreeSet<&str> = manifest.files.iter().map(|file| file.file.as_str()).collect();
    listed.insert(MANIFEST_FILE);
    for file in folder.list().await? {
        if !listed.contains(file.as_str()) {
            problems.push(format!("{file}: {MANIFEST_FILE} does not list it"));
        }
    }
    Ok((problems, Some(manifest)))
}

fn summary(manifest: &PublishedManifest) -> String {
    format!(
        "ok: {}, data as of {}, {} files, {} rows of {} mixed assignments in {} organizations",
        manifest.report,
        manifest.data_as_of,
        manifest.files.len() + 1,
        manifest.rows,
        manifest.mixed_assignment_count,
        manifest.organization_count,
    )
}

fn missing_line(missing: &UnpublishedOrganization) -> String {
    format!("missing: {}, {}", missing.organization, missing.reason)
}

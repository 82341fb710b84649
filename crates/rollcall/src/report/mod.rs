//! `report verify`: checks a published report the way a program that reads it would, and says all that is wrong with it.

mod files;
mod manifest;
mod place;
mod table;

use std::collections::BTreeSet;

use rollcall_app::reports::{MANIFEST_FILE, Manifest};

use crate::{
    commands::ReportVerifyArguments,
    error::{Error, Result},
    progress::say,
};
use place::Place;

/// `rollcall report verify`.
///
/// # Errors
/// When anything is wrong with the report, or its place cannot be read.
pub(crate) async fn verify(arguments: &ReportVerifyArguments) -> Result {
    let place = Place::open(&arguments.url).await?;
    let (problems, manifest) = examine(&place).await?;
    for problem in &problems {
        say(problem);
    }
    match manifest {
        Some(manifest) if problems.is_empty() => {
            say(summary(&manifest));
            Ok(())
        }
        _ => Err(Error::failed(match problems.len() {
            1 => format!("1 thing is wrong with the report in {}", place.url),
            wrong => format!("{wrong} things are wrong with the report in {}", place.url),
        })),
    }
}

/// All that is wrong, a line each, and the manifest if it can be read.
async fn examine(place: &Place) -> Result<(Vec<String>, Option<Manifest>)> {
    let manifest = match manifest::read(place).await? {
        Ok(manifest) => manifest,
        Err(problem) => return Ok((vec![problem], None)),
    };
    let mut problems = manifest::problems(&manifest);
    for file in &manifest.files {
        problems.extend(files::problems(place, file, &manifest).await?);
    }
    let mut known: BTreeSet<&str> = manifest.files.iter().map(|file| file.file.as_str()).collect();
    known.insert(MANIFEST_FILE);
    for file in place.list().await? {
        if !known.contains(file.as_str()) {
            problems.push(format!("{file}: {MANIFEST_FILE} does not know it"));
        }
    }
    Ok((problems, Some(manifest)))
}

fn summary(manifest: &Manifest) -> String {
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

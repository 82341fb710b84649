//! Compares the files of a report with its manifest.

use futures::TryStreamExt as _;

use super::{
    folder::{Pieces, PublishedFolder, read_all},
    format::{CHANGES_FILE, MIXED_FILE, PublishedFile, PublishedManifest, SCHEMA_FILE},
    records::RecordReader,
    table::TableCheck,
};
use crate::{error::Result, report::digest::FileDigest};

/// Returns all problems of a file, one line each.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn find_problems(
    folder: &PublishedFolder,
    file: &PublishedFile,
    manifest: &PublishedManifest,
) -> Result<Vec<String>> {
    let problems = match folder.read(&file.file).await? {
        None => vec!["it is missing".to_owned()],
        Some(pieces) if file.file == SCHEMA_FILE => check_schema(pieces, file, manifest).await?,
        Some(pieces) if is_table(file) => check_table(pieces, file, manifest).await?,
        Some(pieces) => check_other(pieces, file).await?,
    };
    Ok(problems.into_iter().map(|problem| format!("{}: {problem}", file.file)).collect())
}

/// Whether a file is a table. A file without columns, such as the page, is compared by its size and checksum only.
fn is_table(file: &PublishedFile) -> bool {
    file.columns.is_some() || [MIXED_FILE, CHANGES_FILE].contains(&file.file.as_str())
}

async fn check_other(mut pieces: Pieces, file: &PublishedFile) -> Result<Vec<String>> {
    let mut digest = FileDigest::default();
    while let Some(piece) = pieces.try_next().await? {
        digest.update(&piece);
    }
    Ok(digest_problems(digest, file))
}

async fn check_table(mut pieces: Pieces, file: &PublishedFile, manifest: &PublishedManifest) -> Result<Vec<String>> {
    let mut digest = FileDigest::default();
    let mut table = TableCheck::new(file.columns.as_deref().unwrap_or_default());
    let mut records = RecordReader::default();
    let mut parsed = Ok(());
    while let Some(piece) = pieces.try_next().await? {
        digest.update(&piece);
        // The digest needs the whole file, even if its records cannot be read.
        if parsed.is_ok() && !piece.is_empty() {
            parsed = records.push(&piece, |record| table.add(record));
        }
    }
    let parsed = parsed.and_then(|()| records.push(&[], |record| table.add(record)));
    let mut problems = digest_problems(digest, file);
    match parsed {
        Err(problem) => problems.push(problem),
        Ok(()) => {
            problems.extend(table.missing_problems(&manifest.missing_organizations));
            let organizations = (file.file == MIXED_FILE).then_some(manifest.organizations.as_slice());
            problems.extend(table.problems(file.rows.unwrap_or_default(), organizations.unwrap_or_default()));
        }
    }
    Ok(problems)
}

async fn check_schema(pieces: Pieces, file: &PublishedFile, manifest: &PublishedManifest) -> Result<Vec<String>> {
    let text = read_all(pieces).await?;
    let mut problems = digest_problems(FileDigest::of(&text), file);
    match serde_json::from_slice::<serde_json::Value>(&text) {
        Err(error) => problems.push(format!("it cannot be read: {error}")),
        Ok(schema) => {
            let fields = schema["fields"].as_array().into_iter().flatten();
            if !fields.map(|field| field["name"].as_str().unwrap_or_default()).eq(&manifest.columns) {
                problems.push("its fields are not the columns of the data file".to_owned());
            }
        }
    }
    Ok(problems)
}

fn digest_problems(digest: FileDigest, file: &PublishedFile) -> Vec<String> {
    let mut problems = Vec::new();
    if digest.bytes() != file.bytes {
        problems.push(format!("it has {} bytes, the manifest says {}", digest.bytes(), file.bytes));
    }
    let sha256 = digest.sha256();
    if sha256 != file.sha256 {
        problems.push(format!("its SHA-256 is {sha256}, the manifest says {}", file.sha256));
    }
    problems
}

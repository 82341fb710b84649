//! Reads a manifest, and finds contradictions in it.

use super::{
    folder::PublishedFolder,
    format::{CHANGES_FILE, LATEST_FILE, MANIFEST_FILE, MIXED_FILE, PublishedFile, PublishedManifest, SCHEMA_FILE},
};
use crate::{error::Result, report::digest::FileDigest};

/// Reads the manifest. Returns the problem if there is no usable manifest.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn read(folder: &PublishedFolder) -> Result<std::result::Result<PublishedManifest, String>> {
    let Some(text) = folder.read_all(MANIFEST_FILE).await? else {
        return Ok(Err(format!("{MANIFEST_FILE}: it is missing, so this is no published report")));
    };
    let sha256 = FileDigest::of(&text).sha256();
    if let Some(expected) = folder.manifest_sha256.as_ref().filter(|expected| **expected != sha256) {
        return Ok(Err(format!("{MANIFEST_FILE}: its SHA-256 is {sha256}, {LATEST_FILE} says {expected}")));
    }
    Ok(parse(&text))
}

fn parse(text: &[u8]) -> std::result::Result<PublishedManifest, String> {
    let unreadable = |error: serde_json::Error| format!("{MANIFEST_FILE}: it cannot be read: {error}");
    let value: serde_json::Value = serde_json::from_slice(text).map_err(unreadable)?;
    match &value["schema_version"] {
        version if version == 1 => serde_json::from_value(value).map_err(unreadable),
        version => Err(format!("{MANIFEST_FILE}: its schema_version is {version}, but this program reads version 1")),
    }
}

/// Returns the contradictions between the fields of a manifest, one line each.
pub(super) fn contradictions(manifest: &PublishedManifest) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |agrees: bool, problem: &str| {
        if !agrees {
            problems.push(format!("{MANIFEST_FILE}: {problem}"));
        }
    };
    for file in [MIXED_FILE, CHANGES_FILE, SCHEMA_FILE] {
        expect(find_file(manifest, file).is_some(), &format!("it does not list {file}"));
    }
    if let Some(data) = find_file(manifest, &manifest.file) {
        let same = (data.bytes, &data.sha256) == (manifest.bytes, &manifest.sha256)
            && (data.rows, data.columns.as_ref()) == (Some(manifest.rows), Some(&manifest.columns));
        expect(same, "it describes the data file twice, and the two descriptions differ");
    }
    if let Some(changes) = find_file(manifest, CHANGES_FILE) {
        let changed = manifest.changes.newly_mixed + manifest.changes.resolved;
        expect(
            changes.rows == Some(changed),
            &format!("the number of changes is not the number of rows of {CHANGES_FILE}"),
        );
    }
    let organizations = &manifest.organizations;
    expect(organizations.len() == manifest.organization_count, "organization_count is not the number of organizations");
    let rows: u64 = organizations.iter().map(|organization| organization.rows).sum();
    expect(rows == manifest.rows, "rows is not the sum of the rows of the organizations");
    let mixed: u32 = organizations.iter().map(|organization| organization.mixed_assignments).sum();
    expect(
        mixed == manifest.mixed_assignment_count,
        "mixed_assignment_count is not the sum of the mixed assignments of the organizations",
    );
    for missing in &manifest.missing_organizations {
        let name = &missing.organization;
        let is_listed = organizations.iter().any(|counts| counts.organization == *name);
        expect(!is_listed, &format!("it has counts of {name}, which it also lists as missing"));
    }
    problems
}

fn find_file<'a>(manifest: &'a PublishedManifest, file: &str) -> Option<&'a PublishedFile> {
    manifest.files.iter().find(|known| known.file == file)
}

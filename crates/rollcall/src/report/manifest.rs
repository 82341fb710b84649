//! Whether a manifest can be read and agrees with itself.

use rollcall_app::reports::{
    CHANGES_FILE, Checksum, LATEST_FILE, MANIFEST_FILE, MIXED_FILE, Manifest, ManifestFile, SCHEMA_FILE,
};

use super::place::Place;
use crate::error::Result;

/// Reads the manifest; what is wrong with it if there is none to go by.
///
/// # Errors
/// A store that fails.
pub(super) async fn read(place: &Place) -> Result<std::result::Result<Manifest, String>> {
    let Some(text) = place.read_all(MANIFEST_FILE).await? else {
        return Ok(Err(format!("{MANIFEST_FILE}: it is missing, so this is no published report")));
    };
    let mut checksum = Checksum::default();
    checksum.update(&text);
    let sha256 = checksum.sha256();
    if let Some(expected) = place.manifest_sha256.as_ref().filter(|expected| **expected != sha256) {
        return Ok(Err(format!("{MANIFEST_FILE}: its SHA-256 is {sha256}, {LATEST_FILE} says {expected}")));
    }
    Ok(parse(&text))
}

fn parse(text: &[u8]) -> std::result::Result<Manifest, String> {
    let unreadable = |error: serde_json::Error| format!("{MANIFEST_FILE}: it cannot be read: {error}");
    let value: serde_json::Value = serde_json::from_slice(text).map_err(unreadable)?;
    match &value["schema_version"] {
        version if version == 1 => serde_json::from_value(value).map_err(unreadable),
        version => Err(format!("{MANIFEST_FILE}: its schema_version is {version}, this program knows 1")),
    }
}

/// What in a manifest contradicts what else is in it.
pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |agrees: bool, problem: &str| {
        if !agrees {
            problems.push(format!("{MANIFEST_FILE}: {problem}"));
        }
    };
    for file in [MIXED_FILE, CHANGES_FILE, SCHEMA_FILE] {
        expect(find(manifest, file).is_some(), &format!("it does not list {file}"));
    }
    if let Some(data) = find(manifest, &manifest.file) {
        let same = (data.bytes, &data.sha256) == (manifest.bytes, &manifest.sha256)
            && (data.rows, data.columns.as_ref()) == (Some(manifest.rows), Some(&manifest.columns));
        expect(same, "it says two things about the data file");
    }
    if let Some(changes) = find(manifest, CHANGES_FILE) {
        let changed = manifest.changes.newly_mixed + manifest.changes.resolved;
        expect(changes.rows == Some(changed), "the number of changes is not that of their rows");
    }
    let organizations = &manifest.organizations;
    expect(organizations.len() == manifest.organization_count, "organization_count is not the number of organizations");
    let rows: u64 = organizations.iter().map(|organization| organization.rows).sum();
    expect(rows == manifest.rows, "the rows of the organizations do not add up");
    let mixed: u32 = organizations.iter().map(|organization| organization.mixed_assignments).sum();
    expect(mixed == manifest.mixed_assignment_count, "the mixed assignments of the organizations do not add up");
    problems
}

fn find<'a>(manifest: &'a Manifest, file: &str) -> Option<&'a ManifestFile> {
    manifest.files.iter().find(|known| known.file == file)
}

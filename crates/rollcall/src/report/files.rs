//! Whether a file is what the manifest says.

use rollcall_app::reports::{Checksum, CsvRecords, MIXED_FILE, Manifest, ManifestFile, SCHEMA_FILE};
use tokio_stream::StreamExt as _;

use super::{place::Place, table::Table};
use crate::error::{Error, Result};

/// All that is wrong with a file, a line each.
///
/// # Errors
/// A store that fails.
pub(super) async fn problems(place: &Place, file: &ManifestFile, manifest: &Manifest) -> Result<Vec<String>> {
    let found = match file.file.as_str() {
        SCHEMA_FILE => schema_problems(place, file, manifest).await?,
        _ => table_problems(place, file, manifest).await?,
    };
    Ok(found.into_iter().map(|problem| format!("{}: {problem}", file.file)).collect())
}

async fn table_problems(place: &Place, file: &ManifestFile, manifest: &Manifest) -> Result<Vec<String>> {
    let Some(mut pieces) = place.read(&file.file).await? else { return Ok(vec![missing()]) };
    let mut checksum = Checksum::default();
    let mut table = Table::new(file.columns.as_deref().unwrap_or_default());
    let mut records = Some(CsvRecords::default());
    let mut unreadable = None;
    loop {
        let piece = pieces.next().await.transpose().map_err(Error::doing(format!("cannot read {}", file.file)))?;
        checksum.update(piece.as_deref().unwrap_or_default());
        let read = match (&mut records, &piece) {
            (Some(records), Some(piece)) => records.push(piece),
            _ => records.take().map_or_else(|| Ok(Vec::new()), CsvRecords::finish),
        };
        match read {
            Ok(read) => read.iter().for_each(|record| table.take(record)),
            Err(error) => (records, unreadable) = (None, Some(error.to_string())),
        }
        if piece.is_none() {
            break;
        }
    }
    let mut problems = differences(checksum, file);
    match unreadable {
        Some(error) => problems.push(error),
        None => {
            let organizations = (file.file == MIXED_FILE).then_some(manifest.organizations.as_slice());
            problems.extend(table.finish(file.rows.unwrap_or_default(), organizations));
        }
    }
    Ok(problems)
}

async fn schema_problems(place: &Place, file: &ManifestFile, manifest: &Manifest) -> Result<Vec<String>> {
    let Some(text) = place.read_all(&file.file).await? else { return Ok(vec![missing()]) };
    let mut checksum = Checksum::default();
    checksum.update(&text);
    let mut problems = differences(checksum, file);
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

fn missing() -> String {
    "it is missing".to_owned()
}

fn differences(checksum: Checksum, file: &ManifestFile) -> Vec<String> {
    let mut problems = Vec::new();
    if checksum.bytes() != file.bytes {
        problems.push(format!("it has {} bytes, the manifest says {}", checksum.bytes(), file.bytes));
    }
    let sha256 = checksum.sha256();
    if sha256 != file.sha256 {
        problems.push(format!("its SHA-256 is {sha256}, the manifest says {}", file.sha256));
    }
    problems
}

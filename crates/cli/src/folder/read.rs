//! Reads the files of an organization's folder. An error names the file and the line.

use std::{collections::HashSet, fs, path::Path};

use csv::{ErrorKind, Reader};
use rollcall_domain::OrganizationId;
use serde::de::DeserializeOwned;

use super::model::{FolderAssignment, FolderMembership, OrganizationFolder};
use crate::error::{Error, Result};

const MEMBERS_FILE: &str = "members.csv";
const GROUPS_FILE: &str = "groups.csv";
const ASSIGNMENTS_FILE: &str = "assignments.json";
const LEGACY_SETTINGS_FILE: &str = "legacy_email_export.csv";

/// Returns the content of a file, by its name.
type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>>;

impl OrganizationFolder {
    /// Reads a folder. Its name is the organization's id.
    ///
    /// # Errors
    /// The name is no valid id, a file cannot be read, or a line is wrong. The message names the file and the line.
    pub fn read(dir: &Path) -> Result<Self> {
        let shown = dir.display();
        let dir = fs::canonicalize(dir).map_err(Error::doing(format!("cannot read the folder {shown}")))?;
        let name = dir.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let organization = OrganizationId::parse(&name).map_err(|violation| {
            Error::failed(format!(
                "{} cannot be imported, because the folder's name becomes the organization's id; rename the folder: {}",
                dir.display(),
                violation.description
            ))
        })?;
        parse_files(organization, &|file| {
            let path = dir.join(file);
            fs::read(&path).map_err(Error::doing(format!("cannot read {}", path.display())))
        })
    }

    /// Returns the sample organization `acme`, which is built into the program so that `rollcall demo` needs no files.
    ///
    /// # Errors
    /// The program was built with an invalid sample.
    pub fn sample() -> Result<Self> {
        parse_files(OrganizationId::trusted("acme"), &|file| match file {
            MEMBERS_FILE => Ok(include_bytes!("../../sample/acme/members.csv").to_vec()),
            GROUPS_FILE => Ok(include_bytes!("../../sample/acme/groups.csv").to_vec()),
            ASSIGNMENTS_FILE => Ok(include_bytes!("../../sample/acme/assignments.json").to_vec()),
            _ => Ok(include_bytes!("../../sample/acme/legacy_email_export.csv").to_vec()),
        })
    }
}

fn parse_files(organization: OrganizationId, read: ReadFile<'_>) -> Result<OrganizationFolder> {
    let columns = ["member", "email", "given_name", "family_name", "job_title", "manager_email", "active"];
    let members = rows(MEMBERS_FILE, read, &columns)?;
    let memberships: Vec<FolderMembership> = rows(GROUPS_FILE, read, &["group", "member"])?;
    let assignments: Vec<FolderAssignment> = serde_json::from_str(&read_text(ASSIGNMENTS_FILE, read)?)
        .map_err(|error| Error::failed(format!("{ASSIGNMENTS_FILE}: {error}")))?;
    let legacy_settings = rows(LEGACY_SETTINGS_FILE, read, &["email", "export"])?;
    let named = memberships.iter().map(|membership| &membership.group);
    let named = named.chain(assignments.iter().flat_map(|assignment| &assignment.groups));
    let mut seen = HashSet::new();
    let groups = named.filter(|group| seen.insert(*group)).cloned().collect();
    Ok(OrganizationFolder { organization, members, groups, memberships, assignments, legacy_settings })
}

/// Returns a file as text, without the byte order mark that spreadsheets write at the start.
fn read_text(file: &str, read: ReadFile<'_>) -> Result<String> {
    let text = String::from_utf8(read(file)?).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Error::failed(format!("{file}: line {line}: this is not UTF-8; save the file as UTF-8"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn rows<T: DeserializeOwned>(file: &str, read: ReadFile<'_>, columns: &[&str]) -> Result<Vec<T>> {
    let text = read_text(file, read)?;
    let mut reader = Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| csv_error(file, &text, &error, columns))?.clone();
    let names: Vec<&str> = header.iter().collect();
    if let Some(missing) = columns.iter().find(|column| !names.contains(column)) {
        let has = names.join(",");
        return Err(Error::failed(format!("{file}: line 1: there is no column `{missing}`; the header is `{has}`")));
    }
    reader.deserialize().map(|row| row.map_err(|error| csv_error(file, &text, &error, &names))).collect()
}

/// Converts an error of the CSV reader to a message with file, line and column.
fn csv_error(file: &str, text: &str, error: &csv::Error, columns: &[&str]) -> Error {
    let line = error.position().map_or(1, |position| line_of(text, position.byte()));
    let what = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields and the header has {expected_len}")
        }
        ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|field| columns.get(usize::try_from(field).ok()?));
            format!("column `{}`: {}", column.unwrap_or(&"?"), err.kind())
        }
        _ => error.to_string(),
    };
    Error::failed(format!("{file}: line {line}: {what}"))
}

/// Returns the line of the record that the CSV reader began to read at this byte. The byte may still be the line end of
/// the record before: the reader's own line number is one too small in files with CRLF.
fn line_of(text: &str, byte: u64) -> usize {
    let bytes = text.as_bytes();
    let from = usize::try_from(byte).unwrap_or(0).min(bytes.len());
    let skipped = bytes[from..].iter().take_while(|byte| matches!(**byte, b'\r' | b'\n')).count();
    1 + bytes[..from + skipped].iter().filter(|byte| **byte == b'\n').count()
}

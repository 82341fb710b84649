//! Reads the files of an organization's folder. An error names the file and the line.

use std::{collections::HashSet, fs, path::Path};

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use rollcall_domain::OrganizationId;
use serde::de::DeserializeOwned;

use super::model::{FolderAssignment, FolderLegacySetting, FolderMember, FolderMembership, OrganizationFolder};
use crate::error::{Error, Result};

impl OrganizationFolder {
    /// Reads a folder. Its name is the organization's id.
    ///
    /// # Errors
    /// The name is no valid id, a file cannot be read, or a line is wrong. The message names the file and the line.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
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
        parse_files(organization, |file| {
            fs::read(dir.join(file)).map_err(Error::doing(format!("cannot read {}", dir.join(file).display())))
        })
    }
}

/// Parses an organization's files. `content` returns the bytes of a file.
pub(super) fn parse_files(
    organization: OrganizationId,
    content: impl Fn(&str) -> Result<Vec<u8>>,
) -> Result<OrganizationFolder> {
    let text = |file: &'static str| utf8(file, content(file)?);
    let members: Vec<FolderMember> = rows(
        "members.csv",
        &text("members.csv")?,
        &["member", "email", "given_name", "family_name", "job_title", "manager_email", "active"],
    )?;
    let memberships: Vec<FolderMembership> = rows("groups.csv", &text("groups.csv")?, &["group", "member"])?;
    let assignments: Vec<FolderAssignment> = serde_json::from_str(&text("assignments.json")?)
        .map_err(|error| Error::failed(format!("assignments.json: {error}")))?;
    let legacy_settings: Vec<FolderLegacySetting> =
        rows("legacy_email_export.csv", &text("legacy_email_export.csv")?, &["email", "export"])?;

    let named = memberships.iter().map(|membership| &membership.group);
    let named = named.chain(assignments.iter().flat_map(|assignment| &assignment.groups));
    let mut seen = HashSet::new();
    let groups = named.filter(|group| seen.insert(*group)).cloned().collect();
    Ok(OrganizationFolder { organization, members, groups, memberships, assignments, legacy_settings })
}

/// Returns a file as text, without the byte order mark that spreadsheets write at the start.
fn utf8(file: &str, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Error::failed(format!("{file}: line {line}: this is not UTF-8; save the file as UTF-8"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn rows<T: DeserializeOwned>(file: &str, text: &str, columns: &[&str]) -> Result<Vec<T>> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| csv_error(file, text, &error, columns))?.clone();
    if let Some(missing) = columns.iter().find(|column| !header.iter().any(|name| name == **column)) {
        let has = header.iter().collect::<Vec<_>>().join(",");
        return Err(Error::failed(format!("{file}: line 1: there is no column `{missing}`; the header is `{has}`")));
    }
    let names: Vec<&str> = header.iter().collect();
    let mut record = StringRecord::new();
    let mut rows = Vec::new();
    while reader.read_record(&mut record).map_err(|error| csv_error(file, text, &error, &names))? {
        rows.push(record.deserialize(Some(&header)).map_err(|error| csv_error(file, text, &error, &names))?);
    }
    Ok(rows)
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

#[cfg(test)]
mod tests {
    use super::{super::model::FolderUpdateMode, *};

    const MEMBERS: &str = "member,email,given_name,family_name,job_title,manager_email,active\r\n\
                           m1,a@x.example,Ann,\"Lee, MD\",=1+1,,true\r\n";
    const GROUPS: &str = "group,member\r\nsales,m1\r\nsales,m2\r\n";
    const ASSIGNMENTS: &str = r#"[{"name":"S","groups":["sales","empty"],"update_mode":"MANUAL_EDITING"}]"#;
    const LEGACY: &str = "email,export\r\nA@X.example,true\r\n";

    /// Reads an organization with the content of one file replaced.
    fn read(changed: &str, content: &[u8]) -> Result<OrganizationFolder> {
        parse_files(OrganizationId::trusted("acme"), |file| {
            let usual = match file {
                "members.csv" => MEMBERS,
                "groups.csv" => GROUPS,
                "assignments.json" => ASSIGNMENTS,
                _ => LEGACY,
            };
            Ok(if file == changed { content.to_vec() } else { usual.as_bytes().to_vec() })
        })
    }

    fn refusal(file: &str, content: &[u8]) -> String {
        read(file, content).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_is_read_whole() {
        let folder = read("", b"").unwrap();
        assert_eq!(folder.members[0].family_name, "Lee, MD");
        assert_eq!(folder.groups, ["sales", "empty"]);
        assert_eq!(folder.memberships.len(), 2);
        assert_eq!(folder.assignments[0].update_mode, FolderUpdateMode::ManualEditing);
        assert!(folder.legacy_settings[0].export);
    }

    #[test]
    fn a_byte_order_mark_and_another_order_of_columns_are_fine() {
        let folder = read("legacy_email_export.csv", "\u{feff}note,export,email\n-,false,b@x\n".as_bytes()).unwrap();
        assert_eq!(folder.legacy_settings, [FolderLegacySetting { email: "b@x".to_owned(), export: false }]);
    }

    #[test]
    fn mistakes_are_named_with_file_and_line() {
        assert_eq!(
            refusal("legacy_email_export.csv", b"email,export\r\na@x,true\r\nb@x,maybe\r\n"),
            "legacy_email_export.csv: line 3: column `export`: provided string was not `true` or `false`"
        );
        assert_eq!(
            refusal("groups.csv", b"group,member\n\"two\nlines\",m1\n\nsales,m1,m2\n"),
            "groups.csv: line 5: it has 3 fields and the header has 2"
        );
        assert_eq!(
            refusal("groups.csv", b"group,person\nsales,m1\n"),
            "groups.csv: line 1: there is no column `member`; the header is `group,person`"
        );
        assert_eq!(
            refusal("groups.csv", b"group,member\nsales,m1\nb\xfcro,m2\n"),
            "groups.csv: line 3: this is not UTF-8; save the file as UTF-8"
        );
        let line = refusal("assignments.json", br#"[{"name":"S","groups":[],"update_mode":"SOMETIMES"}]"#);
        assert!(line.starts_with("assignments.json: unknown variant `SOMETIMES`") && line.contains("line 1"), "{line}");
    }
}

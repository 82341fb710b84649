//! The folder of an organization: what is read, and how an error names the file and the line.

use std::{fs, path::Path};

use rollcall_cli::{
    Result,
    folder::{FolderLegacySetting, FolderUpdateMode, OrganizationFolder},
};

const MEMBERS: &str = "member,email,given_name,family_name,job_title,manager_email,active\r\n\
                       m1,a@x.example,Ann,\"Lee, MD\",=1+1,,true\r\n";
const GROUPS: &str = "group,member\r\nsales,m1\r\nsales,m2\r\n";
const ASSIGNMENTS: &str = r#"[{"name":"S","groups":["sales","empty"],"update_mode":"MANUAL_EDITING"}]"#;
const LEGACY: &str = "email,export\r\nA@X.example,true\r\n";

/// Reads an organization with the content of one file replaced.
fn read(changed: &str, content: &[u8]) -> Result<OrganizationFolder> {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("acme");
    fs::create_dir(&dir).unwrap();
    let usual = [
        ("members.csv", MEMBERS),
        ("groups.csv", GROUPS),
        ("assignments.json", ASSIGNMENTS),
        ("legacy_email_export.csv", LEGACY),
    ];
    for (file, usual) in usual {
        fs::write(dir.join(file), if file == changed { content } else { usual.as_bytes() }).unwrap();
    }
    OrganizationFolder::read(&dir)
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

#[test]
fn the_sample_in_the_program_is_the_one_of_the_repository() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample/acme");
    assert_eq!(OrganizationFolder::sample().unwrap(), OrganizationFolder::read(&dir).unwrap());
}

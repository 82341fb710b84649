//! Property tests: a folder with random files is read, or the error names the file; what was written is read back.
//! `PROPTEST_CASES` sets the number of cases.

use std::fs;

use csv::WriterBuilder;
use proptest::{prelude::*, test_runner::Config};
use rollcall_cli::{
    Result,
    folder::{FolderLegacySetting, FolderMember, FolderMembership, OrganizationFolder},
};

const FILES: [&str; 4] = ["members.csv", "groups.csv", "assignments.json", "legacy_email_export.csv"];

/// The files of a valid folder.
const CONTENTS: [&str; 4] = [
    "member,email,given_name,family_name,job_title,manager_email,active\nm1,a@x.example,Ann,Lee,,,true\n",
    "group,member\nsales,m1\n",
    r#"[{"name":"S","groups":["sales"],"update_mode":"MANUAL_EDITING"}]"#,
    "email,export\na@x.example,true\n",
];

fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

/// Reads a folder with the content of one file replaced.
fn read_with(file: usize, content: &[u8]) -> Result<OrganizationFolder> {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("acme");
    fs::create_dir(&dir).unwrap();
    for (index, name) in FILES.iter().enumerate() {
        fs::write(dir.join(name), if index == file { content } else { CONTENTS[index].as_bytes() }).unwrap();
    }
    OrganizationFolder::read(&dir)
}

/// The text of a cell: usual text, text with special characters, and any text.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z0-9 ._@-]{0,12}",
        2 => "[\"',;\r\n\t=+]{0,6}",
        2 => "\\PC{0,8}",
        1 => any::<String>(),
    ]
}

fn member() -> impl Strategy<Value = FolderMember> {
    let names = (cell(), cell(), cell());
    (cell(), cell(), names, cell(), any::<bool>()).prop_map(|(member, email, names, manager_email, active)| {
        let (given_name, family_name, job_title) = names;
        FolderMember { member, email, given_name, family_name, job_title, manager_email, active }
    })
}

fn written(header: &[&str], rows: Vec<Vec<String>>, crlf: bool, mark: bool) -> Vec<u8> {
    let mut writer = WriterBuilder::new();
    let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = writer.terminator(terminator).from_writer(Vec::new());
    writer.write_record(header).unwrap();
    rows.iter().for_each(|row| writer.write_record(row).unwrap());
    let text = writer.into_inner().unwrap();
    if mark { ["\u{feff}".as_bytes(), &text].concat() } else { text }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_in_any_file_are_read_or_refused_by_the_files_name(
        file in 0..FILES.len(),
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            any::<String>().prop_map(String::into_bytes),
            "[a-z,\"\r\n]{0,60}".prop_map(String::into_bytes),
            "(email,export|group,member)\r?\n[a-z,\"\r\n@]{0,60}".prop_map(String::into_bytes),
            "[\\[\\]{}\":,a-z_A-Z]{0,60}".prop_map(String::into_bytes),
        ],
    ) {
        if let Err(error) = read_with(file, &bytes) {
            prop_assert!(error.to_string().starts_with(&format!("{}: ", FILES[file])), "{}", error);
        }
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_by_its_name(
        file in 0..FILES.len(),
        at in any::<prop::sample::Index>(),
        inserted in prop::collection::vec(any::<u8>(), 0..6),
        removed in 0..6_usize,
    ) {
        let mut bytes = CONTENTS[file].as_bytes().to_vec();
        let at = at.index(bytes.len());
        let end = (at + removed).min(bytes.len());
        bytes.splice(at..end, inserted);
        if let Err(error) = read_with(file, &bytes) {
            prop_assert!(error.to_string().starts_with(&format!("{}: ", FILES[file])), "{}", error);
        }
    }

    #[test]
    fn members_are_read_as_they_were_written(
        members in prop::collection::vec(member(), 0..6), crlf in any::<bool>(), mark in any::<bool>()
    ) {
        let header = ["member", "email", "given_name", "family_name", "job_title", "manager_email", "active"];
        let row = |m: &FolderMember| {
            let texts = [&m.member, &m.email, &m.given_name, &m.family_name, &m.job_title, &m.manager_email];
            texts.into_iter().cloned().chain([m.active.to_string()]).collect()
        };
        let content = written(&header, members.iter().map(row).collect(), crlf, mark);
        prop_assert_eq!(read_with(0, &content).unwrap().members, members);
    }

    #[test]
    fn memberships_and_old_settings_are_read_as_they_were_written(
        pairs in prop::collection::vec((cell(), cell(), any::<bool>()), 0..6),
        crlf in any::<bool>(),
        mark in any::<bool>(),
    ) {
        let rows = pairs.iter().map(|(group, member, _)| vec![group.clone(), member.clone()]).collect();
        let read = read_with(1, &written(&["group", "member"], rows, crlf, mark)).unwrap();
        let memberships = pairs.iter().map(|(group, member, _)| {
            FolderMembership { group: group.clone(), member: member.clone() }
        });
        prop_assert_eq!(read.memberships, memberships.collect::<Vec<_>>());
        let rows = pairs.iter().map(|(email, _, export)| vec![email.clone(), export.to_string()]).collect();
        let read = read_with(3, &written(&["email", "export"], rows, crlf, mark)).unwrap();
        let settings = pairs.iter().map(|(email, _, export)| {
            FolderLegacySetting { email: email.clone(), export: *export }
        });
        prop_assert_eq!(read.legacy_settings, settings.collect::<Vec<_>>());
    }
}

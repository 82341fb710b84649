//! The file of `rollcall migration import`, line by line.

use rollcall_cli::{
    Result,
    migration::import::rows::{LINE_MAX, LegacySettingRow, LegacySettingsFile},
};

fn open(content: &[u8]) -> Result<LegacySettingsFile> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    LegacySettingsFile::open(file.path())
}

/// Each row as `line email export`, or `line email why`.
fn read(content: &[u8]) -> Vec<String> {
    let shown = |row: LegacySettingRow| match row.export {
        Ok(export) => format!("{} {} {export}", row.line, row.email),
        Err(why) => format!("{} {} {why}", row.line, row.email),
    };
    open(content).unwrap().map(|row| shown(row.unwrap())).collect()
}

#[test]
fn rows_have_their_line_numbers_with_any_line_end() {
    let expected = ["2 a@x true", "4 \"b\"@x false"];
    assert_eq!(read(b"email,export\na@x,true\n\n\"\"\"b\"\"@x\",false"), expected);
    assert_eq!(read(b"\xef\xbb\xbfemail,export\r\na@x,TRUE\r\n\r\n\"\"\"b\"\"@x\", False\r\n"), expected);
    assert_eq!(read(b"export,email\ntrue,a@x\n\nfalse,\"\"\"b\"\"@x\"\n"), expected);
}

#[test]
fn a_wrong_line_does_not_affect_other_lines() {
    let long = format!("{},true", "x".repeat(3 * LINE_MAX));
    let content = [
        b"email,export\n\"a@x,true\nb@x\nc@x,true,1\nd@x,maybe\n\xfc@x,true\n".as_slice(),
        long.as_bytes(),
        b"\nok@x,true\n",
    ];
    let rows = read(&content.concat());
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0], "2 a@x,true it has 1 fields and the header has 2");
    assert_eq!(rows[1], "3 b@x it has 1 fields and the header has 2");
    assert_eq!(rows[2], "4 c@x it has 3 fields and the header has 2");
    assert_eq!(rows[3], "5 d@x export is `maybe`, not true or false");
    assert_eq!(rows[4], "6 \u{fffd}@x this is not UTF-8; save the file as UTF-8");
    assert_eq!(rows[5], "7  the line is longer than 65536 bytes");
    assert_eq!(rows[6], "8 ok@x true");
}

#[test]
fn a_file_without_the_columns_is_refused() {
    let refusal = |content: &[u8]| open(content).err().unwrap().to_string();
    for (content, why) in [
        (b"".as_slice(), "it is empty"),
        (b"\xff\xfee\0m\0a\0i\0l\0,\0", "this is UTF-16"),
        (b"\xfe\xff\0e\0m\0a\0i\0l", "this is UTF-16"),
        (b"e\0m\0a\0i\0l\0,\0", "this is UTF-16"),
        (b"email,exp\xf6rt\n", "line 1 is not UTF-8"),
        (b"email\n", "there is no column `export`; the header is `email`"),
        (b"a@x.example,true\n", "there is no column `email`; the header is `a@x.example,true`"),
        (b"email,export,email\n", "the header names the column `email` twice"),
    ] {
        let line = refusal(content);
        assert!(line.contains(&format!(": {why}")) && line.contains("`email,export`"), "{line}");
    }
}

#[test]
fn ignored_columns_are_listed() {
    let rows = open(b"note,email,export\n-,a@x,true\n").unwrap();
    assert_eq!(rows.ignored_columns(), ["note"]);
    assert_eq!(rows.map(|row| row.unwrap().export).collect::<Vec<_>>(), [Ok(true)]);
}

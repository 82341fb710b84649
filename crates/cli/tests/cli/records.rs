//! CSV records from a file that arrives in pieces.

use rollcall_cli::report::verify::records::{RECORD_MAX, RecordReader};

const TEXT: &str = "a,b\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\nאב,\"\"\r\n1,2";

#[test]
fn records_are_the_same_for_any_pieces() {
    let expected = [["a", "b"], ["x\r\ny", "say \"hi\""], ["אב", ""], ["1", "2"]];
    for size in 1..=TEXT.len() {
        let mut reader = RecordReader::default();
        let mut found: Vec<Vec<String>> = Vec::new();
        let pieces = TEXT.as_bytes().chunks(size).chain([b"".as_slice()]);
        for piece in pieces {
            let keep = |record: &[&str]| found.push(record.iter().map(|field| (*field).to_owned()).collect());
            reader.push(piece, keep).unwrap();
        }
        assert_eq!(found, expected, "{size}");
    }
}

#[test]
fn a_missing_quote_does_not_fill_the_memory() {
    let mut reader = RecordReader::default();
    reader.push(b"\"a\n", |_| panic!("the record does not end")).unwrap();
    let too_long = reader.push(&vec![b'x'; RECORD_MAX + 1], |_| panic!("the record does not end"));
    assert_eq!(too_long, Err("a record is longer than 1048576 bytes".to_owned()));
    assert!(RecordReader::default().push(b"\xff\n", |_| {}).is_err());
}

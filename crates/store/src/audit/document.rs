//! The document of a write, as JSON text in parts: for a large sync a [`serde_json::Value`] would take ten times the memory.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::{Result, WriteTx, db::execute};

/// The size at which a part ends. A document of one part is stored with its event, a larger one in
/// `audit_document_parts`, so that no statement has the whole text of a large document.
const PART_BYTES: usize = 256 << 10;

/// What changed, as JSON text in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document(Vec<String>);

impl Document {
    /// Serializes plain data, which always succeeds.
    pub fn of(value: &impl Serialize) -> Option<Self> {
        let mut document = Self::default();
        serde_json::to_writer(&mut document, value).ok().map(|()| document)
    }

    /// The document with one more field, before the others. A document that is no object with fields stays as it is.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: &str) -> Self {
        let field = format!("{}:{},", Value::from(name), Value::from(value));
        if let Some(first) = self.0.first_mut().filter(|first| first.starts_with("{\"")) {
            first.insert_str(1, &field);
        }
        self
    }

    /// Returns the whole text, unless it has several parts.
    pub(super) fn single_part(&self) -> Option<&str> {
        match self.0.as_slice() {
            [part] => Some(part),
            _ => None,
        }
    }
}

impl Write for Document {
    /// Appends text. The serializer writes whole characters.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(text).map_err(io::Error::other)?;
        match self.0.last_mut().filter(|part| part.len() < PART_BYTES) {
            Some(part) => part.push_str(text),
            None => self.0.push(text.to_owned()),
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Inserts the parts of a document, and frees each after it is written.
pub(super) async fn insert_parts(tx: &mut WriteTx, document: Document, is_after: bool) -> Result<()> {
    let revision = tx.next_revision();
    for (number, part) in (0_i32..).zip(document.0) {
        execute!(tx, Prepared("insert_audit_document_part"), revision, is_after, number, &part).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_added_to_an_object_with_fields() {
        let added = |value: Value| Document::of(&value).unwrap().with_field("run", "a\"b").0.concat();
        assert_eq!(added(serde_json::json!({ "wave": 2 })), r#"{"run":"a\"b","wave":2}"#);
        assert_eq!((added(serde_json::json!({})), added(serde_json::json!([1]))), ("{}".to_owned(), "[1]".to_owned()));
    }

    #[test]
    fn a_document_is_divided_where_a_part_is_full() {
        let small = Document::of(&["ä", "\n"]).unwrap();
        assert_eq!(small.single_part(), Some(r#"["ä","\n"]"#));
        let names: Vec<String> = (0..20_000).map(|number| format!("member \"{number}\" ü")).collect();
        let large = Document::of(&names).unwrap();
        assert!(large.0.len() > 1 && large.single_part().is_none());
        assert!(large.0.iter().all(|part| part.len() < PART_BYTES + 100));
        assert_eq!(large.0.concat(), serde_json::to_string(&names).unwrap());
    }
}

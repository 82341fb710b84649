//! What a response shows of a document: long lists and maps are shortened, and counted, while the document is read. So a
//! document of any size takes little memory.

use std::{
    fmt,
    io::{self, Cursor, Read},
};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::{JoinHandle, spawn_blocking},
};

/// How many entries of a list or a map are shown.
const SHOWN_ENTRIES: usize = 100;

/// How many bytes of a document are shown, approximately.
pub const SHOWN_BYTES: usize = 256 << 10;

/// How many bytes an entry has beside its text.
const ENTRY_BYTES: usize = 16;

/// A document as a response shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownDocument {
    /// The document.
    pub value: ShownValue,
    /// Its size, approximately.
    pub bytes: usize,
}

/// A JSON value, with the first entries of its lists and maps.
#[derive(Clone, Debug, PartialEq)]
pub enum ShownValue {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list.
    List {
        /// The first entries, as many as have room.
        first: Vec<ShownValue>,
        /// The number of all entries.
        count: usize,
    },
    /// A map.
    Map {
        /// The first entries, as many as have room, in the order of the document.
        first: Vec<(String, ShownValue)>,
        /// The number of all entries.
        count: usize,
    },
}

impl ShownDocument {
    /// Reads JSON text.
    ///
    /// # Errors
    /// Text that is not one JSON value, or that cannot be read.
    pub fn read(text: impl Read) -> serde_json::Result<Self> {
        let mut room = SHOWN_BYTES;
        let mut json = serde_json::Deserializer::from_reader(text);
        let value = Shorten(&mut room).deserialize(&mut json)?;
        json.end()?;
        Ok(Self { value, bytes: SHOWN_BYTES - room })
    }
}

/// Reads a document that comes in pieces, on a thread of its own: the parser waits for each piece.
pub(super) struct DocumentReader {
    pieces: Sender<Vec<u8>>,
    shown: JoinHandle<serde_json::Result<ShownDocument>>,
}

impl DocumentReader {
    pub(super) fn start() -> Self {
        let (pieces, receiver) = channel(1);
        let text = Pieces { receiver, piece: Cursor::default() };
        Self { pieces, shown: spawn_blocking(|| ShownDocument::read(text)) }
    }

    /// Gives the parser the next piece. After an error the parser takes none; `finish` returns the error.
    pub(super) async fn send(&self, piece: Vec<u8>) {
        let _ = self.pieces.send(piece).await;
    }

    /// Returns the document after its last piece.
    pub(super) async fn finish(self) -> io::Result<ShownDocument> {
        drop(self.pieces);
        Ok(self.shown.await??)
    }
}

struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.piece.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}

/// Reads a value, and subtracts the size of its text from the room.
struct Shorten<'r>(&'r mut usize);

impl Shorten<'_> {
    fn take(&mut self, bytes: usize) {
        *self.0 = self.0.saturating_sub(bytes);
    }

    /// Whether a list or a map with this many entries can have one more.
    fn has_room(&self, entries: usize) -> bool {
        entries < SHOWN_ENTRIES && *self.0 > 0
    }
}

impl<'de> DeserializeSeed<'de> for Shorten<'_> {
    type Value = ShownValue;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<ShownValue, D::Error> {
        json.deserialize_any(self)
    }
}

/// Reads an entry of a list or a map.
struct Entry<'r>(&'r mut usize);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ShownValue;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<ShownValue, D::Error> {
        let mut shorten = Shorten(self.0);
        shorten.take(ENTRY_BYTES);
        shorten.deserialize(json)
    }
}

impl<'de> Visitor<'de> for Shorten<'_> {
    type Value = ShownValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<ShownValue, E> {
        Ok(ShownValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<ShownValue, E> {
        Ok(ShownValue::Bool(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<ShownValue, E> {
        Ok(ShownValue::Number(value))
    }

    #[allow(clippy::cast_precision_loss, reason = "a response has numbers of this type only")]
    fn visit_i64<E>(self, value: i64) -> Result<ShownValue, E> {
        Ok(ShownValue::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "a response has numbers of this type only")]
    fn visit_u64<E>(self, value: u64) -> Result<ShownValue, E> {
        Ok(ShownValue::Number(value as f64))
    }

    fn visit_str<E>(mut self, text: &str) -> Result<ShownValue, E> {
        self.take(text.len());
        Ok(ShownValue::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<ShownValue, A::Error> {
        let mut first = Vec::new();
        while self.has_room(first.len()) {
            let Some(value) = entries.next_element_seed(Entry(self.0))? else {
                return Ok(ShownValue::List { count: first.len(), first });
            };
            first.push(value);
        }
        let mut count = first.len();
        while entries.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(ShownValue::List { first, count })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<ShownValue, A::Error> {
        let mut first = Vec::new();
        while self.has_room(first.len()) {
            let Some(key) = entries.next_key::<String>()? else {
                return Ok(ShownValue::Map { count: first.len(), first });
            };
            self.take(key.len());
            let value = entries.next_value_seed(Entry(self.0))?;
            first.push((key, value));
        }
        let mut count = first.len();
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(ShownValue::Map { first, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_in_pieces_is_read_like_the_whole_one() {
        let text = r#"{"a": null, "b": [true, 1.5, "ä"], "c": {"d": -2}, "e": []}"#;
        let whole = ShownDocument::read(text.as_bytes()).unwrap();
        let (sender, receiver) = channel(text.len());
        for byte in text.bytes() {
            sender.try_send(vec![byte]).unwrap();
        }
        drop(sender);
        assert_eq!(ShownDocument::read(Pieces { receiver, piece: Cursor::default() }).unwrap(), whole);
        let number = ShownValue::Number;
        let list = vec![ShownValue::Bool(true), number(1.5), ShownValue::Text("ä".to_owned())];
        let map = vec![("d".to_owned(), number(-2.0))];
        let expected = vec![
            ("a".to_owned(), ShownValue::Null),
            ("b".to_owned(), ShownValue::List { first: list, count: 3 }),
            ("c".to_owned(), ShownValue::Map { first: map, count: 1 }),
            ("e".to_owned(), ShownValue::List { first: Vec::new(), count: 0 }),
        ];
        assert_eq!(whole.value, ShownValue::Map { first: expected, count: 4 });
    }

    #[test]
    fn a_document_that_ends_early_is_an_error() {
        assert!(ShownDocument::read(r#"{"a": [1, "#.as_bytes()).is_err());
        assert!(ShownDocument::read("".as_bytes()).is_err());
        assert!(ShownDocument::read("{} {}".as_bytes()).is_err());
    }
}

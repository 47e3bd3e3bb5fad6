//! Parses the bytes of a GGUF file (ggml `docs/gguf.md`): its metadata, and where its tensors lie.
//!
//! Every number is checked before it is used: a count, length or offset in a damaged or forged file takes no more
//! memory than the file has bytes for. plae has its own parser because candle's trusts these numbers, and fails on a
//! whole file for one tensor of a type that it does not know.

use std::collections::HashMap;

/// A value in a GGUF file's metadata. The integer and the float types of the format are not told apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer; those above `i64::MAX` are taken for it, since nothing in a file is so large.
    Integer(i64),
    /// A number in floating point.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A string; bytes that are no UTF-8 are U+FFFD.
    Text(String),
    /// A list of values of one type.
    List(Vec<Value>),
}

impl Value {
    /// Gives an integer; none for another kind of value.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Gives a number, whether it is stored as an integer or as a float; none for another kind of value.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Gives a string; none for another kind of value.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A tensor's place and form in a GGUF file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Sizes of the tensor's dimensions, the slowest first: the number of rows before that of columns.
    pub shape: Vec<usize>,
    /// ggml's number of the type of the tensor's blocks.
    pub kind: u32,
    /// Offset of the tensor's first byte in the file.
    pub start: usize,
}

/// The contents of a GGUF file before its tensors.
#[derive(Debug, Default, PartialEq)]
pub struct GgufContents {
    pub metadata: HashMap<String, Value>,
    pub tensors: HashMap<String, TensorInfo>,
}

impl GgufContents {
    /// Gives a number about a file's parts, such as `split.count`; none if the file is not split.
    pub fn split_number(&self, key: &str) -> Option<usize> {
        usize::try_from(self.metadata.get(key)?.as_integer()?).ok()
    }
}

/// A fault of a GGUF file, with its place.
#[derive(Debug, PartialEq)]
pub struct Damage {
    pub place: String,
    pub message: String,
}

/// The most dimensions that a tensor has (`GGML_MAX_DIMS`).
const MAX_DIMENSIONS: u32 = 4;
/// The most values that all lists of a file may have together; vocabularies have a million or two.
const MAX_VALUES: usize = 1 << 23;
/// The bytes that the alignment of tensors may have at most. Files have 32, the default, or a little more.
const MAX_ALIGNMENT: i64 = 1 << 20;

impl GgufContents {
    /// Parses a whole file.
    ///
    /// # Errors
    /// Gives the first place at which the file is not what the format demands.
    pub fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        let mut reader = Reader {
            bytes,
            at: 0,
            place: "the header".to_owned(),
            values_left: MAX_VALUES,
        };
        if reader.take(4)? != super::gguf_header::GGUF_MAGIC {
            return Err(reader.damage("is not a GGUF file"));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            let order = if (2..=3).contains(&version.swap_bytes()) {
                "is written for machines of the other byte order (big endian)".to_owned()
            } else {
                format!("GGUF version {version} is not read; 2 and 3 are")
            };
            return Err(reader.damage(order));
        }
        let (tensors, keys) = (reader.u64()?, reader.u64()?);
        let mut contents = Self::default();
        // A key takes at least its length, a type and a byte; a tensor its name's length, dimensions, type and offset.
        for _ in 0..reader.count(keys, 13, "keys")? {
            let key = reader.text()?;
            reader.place = format!("key {}", shorten(&key));
            let kind = reader.u32()?;
            let value = reader.value(kind)?;
            if contents.metadata.insert(key, value).is_some() {
                return Err(reader.damage("stands in the file twice"));
            }
            reader.place = "the header".to_owned();
        }
        let alignment = match contents.metadata.get("general.alignment") {
            None => 32,
            Some(Value::Integer(bytes @ 1..=MAX_ALIGNMENT)) if (*bytes as u64).is_power_of_two() => *bytes as usize,
            Some(_) => {
                reader.place = "key general.alignment".to_owned();
                return Err(reader.damage("is no power of two from 1 to 1048576"));
            }
        };
        for _ in 0..reader.count(tensors, 24, "tensors")? {
            let name = reader.text()?;
            reader.place = format!("tensor {}", shorten(&name));
            let info = reader.tensor()?;
            if contents.tensors.insert(name, info).is_some() {
                return Err(reader.damage("stands in the file twice"));
            }
            reader.place = "the header".to_owned();
        }
        let data = reader.at.next_multiple_of(alignment);
        for (name, info) in &mut contents.tensors {
            info.start = info.start.checked_add(data).ok_or_else(|| Damage {
                place: format!("tensor {}", shorten(name)),
                message: "lies beyond the end of any file".to_owned(),
            })?;
        }
        Ok(contents)
    }
}

/// The bytes of a file, and how far they are read.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The place in the file, for errors.
    place: String,
    /// The number of values that lists may still have.
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn damage(&self, message: impl Into<String>) -> Damage {
        Damage {
            place: self.place.clone(),
            message: message.into(),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.damage("the file ends in its header"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    /// Checks a count against the bytes that are left, of which each thing that is counted takes at least `size`.
    fn count(&self, count: u64, size: usize, what: &str) -> Result<usize, Damage> {
        let most = (self.bytes.len() - self.at) / size;
        let fits = usize::try_from(count).ok().filter(|count| *count <= most);
        fits.ok_or_else(|| self.damage(format!("{count} {what} do not fit in the file")))
    }

    fn text(&mut self) -> Result<String, Damage> {
        let length = self.u64()?;
        let length = self.count(length, 1, "bytes of text")?;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// Reads a value of the given type of the format.
    fn value(&mut self, kind: u32) -> Result<Value, Damage> {
        if kind != 9 {
            return self.single(kind);
        }
        let (kind, count) = (self.u32()?, self.u64()?);
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            9 => return Err(self.damage("is a list of lists, which is not read")),
            _ => return Err(self.damage(format!("is a list of type {kind}, which is not known"))),
        };
        let count = self.count(count, size, "values")?;
        let left = self.values_left.checked_sub(count);
        self.values_left =
            left.ok_or_else(|| self.damage(format!("{count} values are more than any vocabulary has")))?;
        (0..count)
            .map(|_| self.single(kind))
            .collect::<Result<_, _>>()
            .map(Value::List)
    }

    fn single(&mut self, kind: u32) -> Result<Value, Damage> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.array()?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Integer(u32::from_le_bytes(self.array()?).into()),
            5 => Value::Integer(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Boolean(self.array::<1>()? != [0]),
            8 => Value::Text(self.text()?),
            10 => Value::Integer(i64::try_from(self.u64()?).unwrap_or(i64::MAX)),
            11 => Value::Integer(i64::from_le_bytes(self.array()?)),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return Err(self.damage(format!("is of type {kind}, which is not known"))),
        })
    }

    /// Reads where a tensor lies; its offset is still that from the first tensor.
    fn tensor(&mut self) -> Result<TensorInfo, Damage> {
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(self.damage(format!(
                "has {dimensions} dimensions; ggml has at most {MAX_DIMENSIONS}"
            )));
        }
        let size = |reader: &mut Self| {
            let size = reader.u64()?;
            usize::try_from(size)
                .map_err(|_| reader.damage(format!("a dimension of {size} values is beyond all memory")))
        };
        let mut shape: Vec<usize> = (0..dimensions).map(|_| size(self)).collect::<Result<_, _>>()?;
        shape.reverse();
        let kind = self.u32()?;
        let start = size(self)?;
        Ok(TensorInfo { shape, kind, start })
    }
}

/// Shortens a name for messages.
fn shorten(name: &str) -> String {
    const MOST: usize = 80;
    let mut shown: String = name.chars().take(MOST).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    shown
}

/// A tensor to write to a file, for tests: its name, shape, type, and bytes.
#[cfg(test)]
pub(crate) type TestTensor<'a> = (String, Vec<usize>, u32, &'a [u8]);

/// Gives the metadata and the tensors of a file in memory, for tests that write it anew with changes.
#[cfg(test)]
pub(crate) fn take_apart(file: &[u8]) -> (HashMap<String, Value>, Vec<TestTensor<'_>>) {
    let contents = GgufContents::parse(file).expect("a file");
    let mut infos: Vec<_> = contents.tensors.into_iter().collect();
    infos.sort_by_key(|(_, info)| info.start);
    let mut ends: Vec<usize> = infos.iter().skip(1).map(|(_, info)| info.start).collect();
    ends.push(file.len());
    let tensors = infos.into_iter().zip(ends);
    let tensors = tensors.map(|((name, info), end)| (name, info.shape, info.kind, &file[info.start..end]));
    (contents.metadata, tensors.collect())
}

/// Makes the bytes of a file, for tests.
#[cfg(test)]
pub(crate) fn put_together(metadata: &HashMap<String, Value>, tensors: &[TestTensor]) -> Vec<u8> {
    fn text(to: &mut Vec<u8>, text: &str) {
        to.extend((text.len() as u64).to_le_bytes());
        to.extend(text.bytes());
    }
    fn kind(value: &Value) -> u32 {
        match value {
            Value::Integer(number) => {
                if u32::try_from(*number).is_ok() {
                    4
                } else {
                    11
                }
            }
            Value::Float(_) => 6,
            Value::Boolean(_) => 7,
            Value::Text(_) => 8,
            Value::List(_) => 9,
        }
    }
    fn single(to: &mut Vec<u8>, value: &Value) {
        match value {
            Value::Integer(number) => match u32::try_from(*number) {
                Ok(number) => to.extend(number.to_le_bytes()),
                Err(_) => to.extend(number.to_le_bytes()),
            },
            Value::Float(number) => to.extend((*number as f32).to_le_bytes()),
            Value::Boolean(value) => to.push(u8::from(*value)),
            Value::Text(value) => text(to, value),
            Value::List(values) => {
                to.extend(values.first().map_or(8, kind).to_le_bytes());
                to.extend((values.len() as u64).to_le_bytes());
                values.iter().for_each(|value| single(to, value));
            }
        }
    }
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend((tensors.len() as u64).to_le_bytes());
    file.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        text(&mut file, key);
        file.extend(kind(value).to_le_bytes());
        single(&mut file, value);
    }
    let mut data = Vec::new();
    for (name, shape, kind, bytes) in tensors {
        text(&mut file, name);
        file.extend((shape.len() as u32).to_le_bytes());
        shape
            .iter()
            .rev()
            .for_each(|size| file.extend((*size as u64).to_le_bytes()));
        file.extend(kind.to_le_bytes());
        file.extend((data.len() as u64).to_le_bytes());
        data.extend_from_slice(bytes);
        data.resize(data.len().next_multiple_of(32), 0);
    }
    file.resize(file.len().next_multiple_of(32), 0);
    [file, data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// Makes a file of these keys and tensors, whose bytes are as given.
    fn file(counts: [u64; 2], rest: &[Vec<u8>]) -> Vec<u8> {
        let start = [
            &b"GGUF\x03\0\0\0"[..],
            &counts[0].to_le_bytes(),
            &counts[1].to_le_bytes(),
        ]
        .concat();
        [start, rest.concat()].concat()
    }

    fn key(name: &str, kind: u32, value: &[u8]) -> Vec<u8> {
        [text(name), kind.to_le_bytes().to_vec(), value.to_vec()].concat()
    }

    fn tensor(name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Vec<u8> {
        let sizes: Vec<u8> = dimensions.iter().flat_map(|size| size.to_le_bytes()).collect();
        let count = (dimensions.len() as u32).to_le_bytes();
        [
            text(name),
            count.to_vec(),
            sizes,
            kind.to_le_bytes().to_vec(),
            offset.to_le_bytes().to_vec(),
        ]
        .concat()
    }

    #[test]
    fn values_and_tensors_are_read() {
        let list = [
            &4u32.to_le_bytes()[..],
            &2u64.to_le_bytes(),
            &7u32.to_le_bytes(),
            &8u32.to_le_bytes(),
        ]
        .concat();
        let bytes = file(
            [1, 5],
            &[
                key("a", 5, &(-3i32).to_le_bytes()),
                key("b", 6, &0.5f32.to_le_bytes()),
                key("c", 7, &[1]),
                key("d", 8, &text("ก")),
                key("e", 9, &list),
                tensor("t", &[4, 2], 12, 64),
            ],
        );
        let contents = GgufContents::parse(&bytes).expect("a file");
        let value = |key: &str| &contents.metadata[key];
        assert_eq!(value("a"), &Value::Integer(-3));
        assert_eq!(value("b"), &Value::Float(0.5));
        assert_eq!(value("c"), &Value::Boolean(true));
        assert_eq!(value("d"), &Value::Text("ก".to_owned()));
        assert_eq!(value("e"), &Value::List(vec![Value::Integer(7), Value::Integer(8)]));
        let found = &contents.tensors["t"];
        assert_eq!((&found.shape[..], found.kind), (&[2, 4][..], 12));
        assert_eq!(found.start, bytes.len().next_multiple_of(32) + 64);
    }

    /// Every number of a file is bounded by what the file can hold.
    #[test]
    fn absurd_numbers_are_refused_by_name() {
        let huge = u64::MAX.to_le_bytes();
        let list = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
        let cases: [(Vec<u8>, &str, &str); 15] = [
            (file([u64::MAX, 0], &[]), "the header", "tensors do not fit"),
            (file([0, 1 << 40], &[]), "the header", "keys do not fit"),
            (
                file([0, 1], &[huge.to_vec(), vec![0; 20]]),
                "the header",
                "bytes of text do not fit",
            ),
            (file([0, 1], &[key("s", 8, &huge)]), "key s", "bytes of text do not fit"),
            (
                file([0, 1], &[key("l", 9, &list(4, 1 << 61))]),
                "key l",
                "values do not fit",
            ),
            (
                file([0, 1], &[key("l", 9, &list(8, u64::MAX))]),
                "key l",
                "values do not fit",
            ),
            (file([0, 1], &[key("l", 9, &list(9, 1))]), "key l", "list of lists"),
            (file([0, 1], &[key("l", 9, &list(77, 1))]), "key l", "type 77"),
            (file([0, 1], &[key("v", 13, &[0])]), "key v", "type 13"),
            (
                file([0, 1], &[key("general.alignment", 4, &[0; 4])]),
                "key general.alignment",
                "no power of two",
            ),
            (
                file([0, 1], &[key("general.alignment", 4, &[24, 0, 0, 0])]),
                "key general.alignment",
                "no power of two",
            ),
            (
                file([0, 1], &[key("general.alignment", 4, &[0, 0, 0, 128])]),
                "key general.alignment",
                "no power of two",
            ),
            (file([0, 2], &[key("a", 7, &[1]), key("a", 7, &[1])]), "key a", "twice"),
            (
                file([2, 0], &[tensor("t", &[4], 0, 0), tensor("t", &[4], 0, 0)]),
                "tensor t",
                "twice",
            ),
            (
                file([1, 0], &[tensor("t", &[1, 2, 3, 4, 5], 0, 0)]),
                "tensor t",
                "5 dimensions",
            ),
        ];
        for (bytes, place, message) in cases {
            let damage = GgufContents::parse(&bytes).expect_err(message);
            assert_eq!(damage.place, place, "{damage:?}");
            assert!(damage.message.contains(message), "{damage:?}");
        }
        let beyond = file([1, 0], &[tensor("t", &[4], 0, u64::MAX)]);
        assert!(GgufContents::parse(&beyond).is_err());
        let other_order = b"GGUF\0\0\0\x03".to_vec();
        assert!(
            GgufContents::parse(&other_order)
                .expect_err("an order")
                .message
                .contains("big endian")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(rest in proptest::collection::vec(any::<u8>(), 0..300), counts in any::<[u8; 2]>()) {
            let counts = counts.map(u64::from);
            let _ = GgufContents::parse(&file(counts, &[rest]));
        }
    }
}

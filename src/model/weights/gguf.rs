//! Reads metadata and tensors of GGUF files from a memory map; each tensor is checked when it is asked for.

#![allow(unsafe_code)]

use super::gguf_parse::{GgufContents, TensorInfo};
use super::gguf_split::part_paths;
use crate::error::{Error, Result};
use crate::model::cpu::ggml::dequantize_values;
use crate::model::cpu::ggml_type::GgmlType;
use candle_core::quantized::GgmlDType;
use memmap2::Mmap;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use super::gguf_parse::Value;

/// An open GGUF file, or all parts of a split one. Its metadata is loaded; tensors are read from the memory maps when
/// they are asked for.
pub struct GgufFile {
    metadata: HashMap<String, Value>,
    /// For each tensor's name, the index in `parts` of the file that holds it, and where it lies there.
    tensors: HashMap<String, (usize, TensorInfo)>,
    /// The file, or the parts of a split one, the first first.
    parts: Vec<GgufPart>,
}

/// The bytes that a tensor's place in the file must be a multiple of, so that its numbers can be read from the map.
const TENSOR_ALIGNMENT: usize = 4;

/// One file of a GGUF model.
struct GgufPart {
    path: PathBuf,
    map: Arc<Mmap>,
}

/// A tensor as the GGUF file stores it, in ggml's blocks.
#[derive(Clone, Copy)]
pub struct RawTensor<'a> {
    /// ggml type of the tensor's blocks, such as Q4_K.
    pub dtype: GgmlType,
    /// Number of rows of the tensor; 1 for a vector.
    pub rows: usize,
    /// Number of columns of the tensor, that is of values in each row.
    pub columns: usize,
    /// The tensor's blocks, row after row, as raw bytes of the file.
    pub bytes: &'a [u8],
}

/// A matrix that stays in the GGUF file. Single rows are read on demand, so that the rest takes no memory.
pub struct StoredRows {
    map: Arc<Mmap>,
    dtype: GgmlType,
    columns: usize,
    /// Byte range of the matrix in the memory map.
    range: Range<usize>,
}

impl StoredRows {
    /// Appends the given rows of the matrix to `out` in float32, each value multiplied by `scale`.
    ///
    /// # Errors
    /// candle's error if a row does not exist.
    pub fn append_rows(&self, rows: &[u32], scale: f32, out: &mut Vec<f32>) -> candle_core::Result<()> {
        let length = self.columns / self.dtype.block_size() * self.dtype.type_size();
        let bytes = &self.map[self.range.clone()];
        for row in rows.iter().map(|row| *row as usize) {
            let bytes = bytes.get(row * length..(row + 1) * length).unwrap_or_default();
            let values = dequantize_values(self.dtype, bytes, self.columns)?;
            out.extend(values.iter().map(|value| value * scale));
        }
        // Reading a row also loads the pages around it, and in time the whole matrix.
        release_pages(&self.map, &self.range);
        Ok(())
    }
}

/// Tells the operating system that a range of bytes of the memory map is not needed for now, so that it stops
/// counting as memory of this process.
fn release_pages(map: &Mmap, range: &Range<usize>) {
    #[cfg(unix)]
    {
        use memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: the map is of a file, and read only: a page that is asked for again is read from the file again, with the
        // same bytes. `range` comes from `GgufFile::range`, within the map.
        let _ = unsafe { map.unchecked_advise_range(DontNeed, range.start, range.len()) };
    }
    #[cfg(not(unix))]
    let _ = (map, range);
}

impl GgufFile {
    /// Opens a GGUF file and reads its metadata. Of a split file any part may be named; all are opened.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the path, if the file or a part of it is missing, not GGUF, cut short
    /// or damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let (named, contents) = GgufPart::open(path)?;
        let mut parts = vec![named];
        let count = contents.split_number("split.count").unwrap_or(1);
        if count <= 1 {
            return Ok(Self::join(parts, vec![contents]));
        }
        let paths = part_paths(path);
        if paths.len() != count {
            return Err(parts[0]
                .damage(&format!(
                    "is one of {count} parts of a model, which its name does not say"
                ))
                .hint(format!(
                    "give the parts the names that they had: MODEL-00001-of-{count:05}.gguf and so on"
                )));
        }
        parts.clear();
        let mut all = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            let (part, these) = GgufPart::open(path).map_err(|error| {
                if path.exists() {
                    return error;
                }
                Error::model(format!(
                    "part {} of the {count} parts of the model is missing",
                    number + 1
                ))
                .path(path)
                .hint("put all parts into one directory, under the names that they had")
            })?;
            let found = [these.split_number("split.count"), these.split_number("split.no")];
            if found != [Some(count), Some(number)] {
                return Err(part
                    .damage(&format!("is not part {} of the {count} parts of the model", number + 1))
                    .place("key split.no")
                    .hint("the file was renamed, or belongs to another model; fetch the parts again"));
            }
            if let Some(name) = these
                .tensors
                .keys()
                .find(|name| all.iter().any(|other: &GgufContents| other.tensors.contains_key(*name)))
            {
                return Err(part
                    .damage("stands in another part too")
                    .place(format!("tensor {name}")));
            }
            parts.push(part);
            all.push(these);
        }
        let tensors: usize = all.iter().map(|contents| contents.tensors.len()).sum();
        let stated = all[0].split_number("split.tensors.count");
        if stated.is_some_and(|stated| stated != tensors) {
            return Err(parts[0]
                .damage(&format!("the parts hold {tensors} tensors"))
                .place("key split.tensors.count")
                .hint("a part is of another model or not whole; fetch the parts again"));
        }
        Ok(Self::join(parts, all))
    }

    /// Joins the contents of all parts; the metadata is that of the first.
    fn join(parts: Vec<GgufPart>, contents: Vec<GgufContents>) -> Self {
        let (mut metadata, mut tensors) = (None, HashMap::new());
        for (part, contents) in contents.into_iter().enumerate() {
            metadata.get_or_insert(contents.metadata);
            tensors.extend(contents.tensors.into_iter().map(|(name, info)| (name, (part, info))));
        }
        Self {
            metadata: metadata.unwrap_or_default(),
            tensors,
            parts,
        }
    }

    /// Gives the path of the GGUF file, or of the first part of a split one.
    pub fn path(&self) -> &Path {
        &self.parts[0].path
    }

    /// Gives the keys of the metadata, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys().map(String::as_str)
    }

    /// Gives the names of the tensors, in no particular order.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    fn model_error(&self, place: &str, message: impl Into<String>) -> Error {
        Error::model(message).path(self.path()).place(place.to_owned())
    }

    /// Finds a value in the metadata.
    pub fn metadata_value(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// Reads an integer of any width that is at least 0 from the metadata; none if the key is missing or has another
    /// type.
    pub fn read_integer(&self, key: &str) -> Option<usize> {
        usize::try_from(self.metadata_value(key)?.as_integer()?).ok()
    }

    /// Reads an integer from the metadata that must exist and be at least 1.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the key, if the integer is missing or 0.
    pub fn read_size(&self, key: &str) -> Result<usize> {
        match self.read_integer(key) {
            Some(v) if v > 0 => Ok(v),
            Some(_) => Err(self.model_error(key, "must be at least 1")),
            None => Err(self.model_error(key, "missing from the file's metadata, or not a number")),
        }
    }

    /// Reads a number from the metadata; none if the key is missing or has another type.
    pub fn read_float(&self, key: &str) -> Option<f64> {
        self.metadata_value(key)?.as_number()
    }

    /// Reads a boolean from the metadata; none if the key is missing or has another type.
    pub fn read_boolean(&self, key: &str) -> Option<bool> {
        match self.metadata_value(key)? {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Reads a string from the metadata; none if the key is missing or has another type.
    pub fn read_string(&self, key: &str) -> Option<&str> {
        self.metadata_value(key)?.as_text()
    }

    /// Gives the name of the quantisation that the file says it uses, such as `q4_k_m`; `quantized` if it says none
    /// that is known (llama.cpp's `llama_ftype`).
    pub fn quantization_name(&self) -> &'static str {
        match self.read_integer("general.file_type") {
            Some(0) => "f32",
            Some(1) => "f16",
            Some(2) => "q4_0",
            Some(3) => "q4_1",
            Some(7) => "q8_0",
            Some(8) => "q5_0",
            Some(9) => "q5_1",
            Some(10) => "q2_k",
            Some(11) => "q3_k_s",
            Some(12) => "q3_k_m",
            Some(13) => "q3_k_l",
            Some(14) => "q4_k_s",
            Some(15) => "q4_k_m",
            Some(16) => "q5_k_s",
            Some(17) => "q5_k_m",
            Some(18) => "q6_k",
            Some(21) => "q2_k_s",
            Some(25) => "iq4_nl",
            Some(30) => "iq4_xs",
            Some(32) => "bf16",
            Some(36) => "tq1_0",
            Some(37) => "tq2_0",
            _ => "quantized",
        }
    }

    /// Reads an array from the metadata that must exist.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the key, if the array is missing.
    pub fn read_array(&self, key: &str) -> Result<&[Value]> {
        match self.metadata_value(key) {
            Some(Value::List(values)) => Ok(values),
            _ => Err(self.model_error(key, "missing from the file's metadata, or not a list")),
        }
    }

    /// Whether the file has a tensor called `name`.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Finds the tensor `name`, a matrix or a vector, and checks that its bytes are inside the file.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the tensor's name, if the tensor is missing, damaged,
    /// or has more than two dimensions.
    pub fn find_tensor(&self, name: &str) -> Result<RawTensor<'_>> {
        let place = format!("tensor {name}");
        let (part, info) = self
            .tensors
            .get(name)
            .map(|(part, info)| (&self.parts[*part], info))
            .ok_or_else(|| self.model_error(&place, "missing from the file"))?;
        let fail = |message: String| part.damage(&message).place(place.clone());
        let dtype = GgmlType::from_number(info.kind).map_err(|name| {
            fail(format!("is of the type {name}, which is not read"))
                .hint("take a file of the model in another quantisation, such as Q4_K_M, IQ4_XS, Q5_K_M, Q6_K or Q8_0")
        })?;
        let (rows, columns) = match info.shape[..] {
            [n] => (1, n),
            [rows, columns] => (rows, columns),
            _ => return Err(fail(format!("has {} dimensions, 1 or 2 expected", info.shape.len()))),
        };
        let block = dtype.block_size();
        if columns == 0 || columns % block != 0 {
            return Err(fail(format!(
                "rows of {columns} values do not divide into blocks of {block}"
            )));
        }
        let size = rows
            .checked_mul(columns / block)
            .and_then(|n| n.checked_mul(dtype.type_size()));
        let bytes = size
            .and_then(|size| part.map.get(info.start..info.start.checked_add(size)?))
            .ok_or_else(|| {
                fail(format!("lies beyond the end of the file ({} bytes)", part.map.len()))
                    .hint("the file is cut short; download it again")
            })?;
        if !info.start.is_multiple_of(TENSOR_ALIGNMENT) {
            return Err(fail(format!(
                "begins at byte {}, no multiple of {TENSOR_ALIGNMENT}",
                info.start
            ))
            .hint("the file's general.alignment is too small, or the file is damaged"));
        }
        Ok(RawTensor {
            dtype,
            rows,
            columns,
            bytes,
        })
    }

    /// Tells the operating system that a tensor's bytes are not needed again, so that they stop counting as memory of
    /// this process.
    pub fn release_tensor(&self, tensor: RawTensor) {
        let (map, range) = self.locate_tensor(tensor);
        release_pages(map, &range);
    }

    /// Finds the memory map that holds a tensor, and the tensor's range of bytes in it.
    fn locate_tensor(&self, tensor: RawTensor) -> (&Arc<Mmap>, Range<usize>) {
        let address = tensor.bytes.as_ptr() as usize;
        let holds = |map: &&Arc<Mmap>| (map.as_ptr() as usize..map.as_ptr() as usize + map.len()).contains(&address);
        let mut maps = self.parts.iter().map(|part| &part.map);
        // A tensor without rows has no address of its own.
        let map = maps.find(holds).unwrap_or(&self.parts[0].map);
        let start = address.saturating_sub(map.as_ptr() as usize);
        (map, start..start + tensor.bytes.len())
    }

    /// Finds the matrix `name`, which must have this shape, to read single rows of it on demand.
    ///
    /// # Errors
    /// The errors of [`GgufFile::find_tensor_with_shape`].
    pub fn open_stored_rows(&self, name: &str, rows: usize, columns: usize) -> Result<StoredRows> {
        let tensor = self.find_tensor_with_shape(name, rows, columns)?;
        let (map, range) = self.locate_tensor(tensor);
        Ok(StoredRows {
            map: map.clone(),
            dtype: tensor.dtype,
            columns,
            range,
        })
    }

    /// Finds the tensor `name`, which must have this shape; `rows` is 1 for a vector.
    ///
    /// # Errors
    /// The errors of [`GgufFile::find_tensor`]; of kind `Model` if the tensor has another shape.
    pub fn find_tensor_with_shape(&self, name: &str, rows: usize, columns: usize) -> Result<RawTensor<'_>> {
        let tensor = self.find_tensor(name)?;
        if (tensor.rows, tensor.columns) != (rows, columns) {
            let message = format!("is {} by {}, {rows} by {columns} expected", tensor.rows, tensor.columns);
            return Err(self.model_error(&format!("tensor {name}"), message));
        }
        Ok(tensor)
    }

    /// Reads the vector `name` of `len` values, which must be stored in float32.
    ///
    /// # Errors
    /// The errors of [`GgufFile::find_tensor_with_shape`]; of kind `Model` if the vector is stored in another type.
    pub fn read_vector(&self, name: &str, len: usize) -> Result<Vec<f32>> {
        let tensor = self.find_tensor_with_shape(name, 1, len)?;
        if tensor.dtype != GgmlType::Candle(GgmlDType::F32) {
            return Err(self.model_error(&format!("tensor {name}"), format!("is {}, F32 expected", tensor.dtype)));
        }
        Ok(tensor
            .bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect())
    }
}

impl GgufPart {
    /// Maps a file into memory and parses what comes before its tensors.
    fn open(path: &Path) -> Result<(Self, GgufContents)> {
        let fail = |message: &str| Error::model(message).path(path);
        let file = File::open(path).map_err(|e| fail(&format!("cannot open the model file: {e}")).source(e))?;
        let not_gguf = || {
            fail("not a GGUF file: it does not start with `GGUF`")
                .place("byte 0")
                .hint("download the file again; a page saved in place of a model starts with `<`")
        };
        // An empty file cannot be mapped.
        if file.metadata().is_ok_and(|file| file.len() == 0) {
            return Err(not_gguf());
        }
        // SAFETY: the map is read only; a file that another program changes or cuts short under a running process is outside what
        // can be guarded.
        let map =
            unsafe { Mmap::map(&file) }.map_err(|e| fail(&format!("cannot map the model file: {e}")).source(e))?;
        if !map.starts_with(b"GGUF") {
            return Err(not_gguf());
        }
        let contents = GgufContents::parse(&map).map_err(|damage| {
            fail(&damage.message)
                .place(damage.place)
                .hint("the file is cut short or damaged; download it again")
        })?;
        let part = Self {
            path: path.to_owned(),
            map: Arc::new(map),
        };
        Ok((part, contents))
    }

    fn damage(&self, message: &str) -> Error {
        Error::model(message).path(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gguf_parse::{put_together, take_apart};
    use super::*;

    const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder/qwen3.gguf");

    /// Writes a file in three parts, as `gguf-split` does.
    fn split(directory: &Path) -> Vec<PathBuf> {
        let file = std::fs::read(TINY).expect("the tiny model");
        let (metadata, tensors) = take_apart(&file);
        let paths = part_paths(&directory.join("m-00001-of-00003.gguf"));
        for (number, (path, these)) in paths.iter().zip(tensors.chunks(tensors.len().div_ceil(3))).enumerate() {
            let mut metadata = if number == 0 { metadata.clone() } else { HashMap::new() };
            for (key, value) in [
                ("split.no", number),
                ("split.count", 3),
                ("split.tensors.count", tensors.len()),
            ] {
                metadata.insert(key.to_owned(), Value::Integer(value as i64));
            }
            std::fs::write(path, put_together(&metadata, these)).expect("a part");
        }
        paths
    }

    #[test]
    fn a_split_model_is_opened_by_any_of_its_parts() {
        let directory = tempfile::tempdir().expect("a directory");
        let whole = GgufFile::open(Path::new(TINY)).expect("the tiny model");
        for path in split(directory.path()) {
            let parts = GgufFile::open(&path).expect("three parts");
            assert!(parts.path().ends_with("m-00001-of-00003.gguf"));
            let mut names: Vec<&str> = whole.tensor_names().collect();
            names.sort_unstable();
            for name in names {
                let [expected, got] = [&whole, &parts].map(|file| file.find_tensor(name).expect("a tensor"));
                assert_eq!(got.bytes, expected.bytes, "{name}");
                parts.release_tensor(got);
            }
            let tensor = whole.find_tensor("output.weight").expect("a tensor");
            let [expected, got] = [&whole, &parts].map(|file| {
                let stored = file
                    .open_stored_rows("output.weight", tensor.rows, tensor.columns)
                    .expect("rows");
                let mut values = Vec::new();
                stored.append_rows(&[5, 0], 1.0, &mut values).expect("rows");
                values
            });
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn a_part_that_is_missing_or_another_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = split(directory.path());
        let refused = |path: &Path| GgufFile::open(path).err().expect("an error");
        let renamed = directory.path().join("model.gguf");
        std::fs::copy(&paths[1], &renamed).expect("a copy");
        assert!(refused(&renamed).message.contains("one of 3 parts"));
        let second = std::fs::read(&paths[1]).expect("a part");
        std::fs::copy(&paths[2], &paths[1]).expect("a copy");
        let error = refused(&paths[0]);
        assert!(error.message.contains("is not part 2 of the 3 parts"), "{error}");
        assert_eq!(error.path, Some(paths[1].clone()));
        // A part that has another's tensors.
        let (mut metadata, _) = take_apart(&second);
        let third = std::fs::read(&paths[2]).expect("a part");
        let (_, tensors) = take_apart(&third);
        std::fs::write(&paths[1], put_together(&metadata, &tensors)).expect("a part");
        let error = refused(&paths[0]);
        assert!(error.message.contains("another part"), "{error}");
        metadata.insert("split.tensors.count".to_owned(), Value::Integer(7));
        std::fs::write(&paths[1], put_together(&metadata, &tensors[..1])).expect("a part");
        std::fs::write(&paths[2], put_together(&take_apart(&third).0, &tensors[1..])).expect("a part");
        let error = refused(&paths[0]);
        assert_eq!(error.place.as_deref(), Some("key split.tensors.count"), "{error}");
        std::fs::remove_file(&paths[1]).expect("a part");
        for path in [&paths[0], &paths[2]] {
            let error = refused(path);
            assert!(
                error.message.contains("part 2 of the 3 parts of the model is missing"),
                "{error}"
            );
            assert_eq!(error.path, Some(paths[1].clone()));
        }
    }

    #[test]
    fn tensors_that_cannot_be_read_are_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("m.gguf");
        let bytes = [0; 64];
        let write = |shape: &[usize], kind: u32| {
            let tensor = ("t".to_owned(), shape.to_vec(), kind, &bytes[..]);
            std::fs::write(&path, put_together(&HashMap::new(), &[tensor])).expect("a file");
            let error = GgufFile::open(&path)
                .expect("a file")
                .find_tensor("t")
                .err()
                .expect("an error");
            assert_eq!(
                (error.place.as_deref(), error.path.as_deref()),
                (Some("tensor t"), Some(&*path))
            );
            error.message
        };
        assert!(write(&[256], 21).contains("the type IQ3_S"));
        assert!(write(&[256], 16).contains("the type IQ2_XXS"));
        assert!(write(&[256], 4).contains("the type number 4"));
        assert!(write(&[256], 999).contains("the type number 999"));
        assert!(write(&[usize::MAX, 32], 8).contains("beyond the end"));
        assert!(write(&[1 << 60, 1 << 60], 0).contains("beyond the end"));
        assert!(write(&[2, 40], 8).contains("do not divide"));
        assert!(write(&[2, 2, 2], 0).contains("3 dimensions"));
    }
}

//! GGUF files: metadata and tensors over a memory map, checked as they are asked for.

#![allow(unsafe_code)]

use crate::error::{Error, Result};
use crate::model::cpu::ggml::dequantize;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, Value};
use memmap2::Mmap;
use std::fs::File;
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open GGUF file. Its metadata is in memory; tensors are read from the map as they are asked for.
pub struct Gguf {
    path: PathBuf,
    content: Content,
    map: Arc<Mmap>,
}

/// A tensor as it is stored in the file.
#[derive(Clone, Copy)]
pub struct RawTensor<'a> {
    /// The type of its blocks.
    pub dtype: GgmlDType,
    /// Number of rows; a vector has one.
    pub rows: usize,
    /// Number of columns; the values of a row follow each other.
    pub columns: usize,
    /// Its blocks, row by row.
    pub bytes: &'a [u8],
}

/// A matrix that is left in the file, and of which single rows are read: the others take no memory.
pub struct StoredRows {
    map: Arc<Mmap>,
    dtype: GgmlDType,
    columns: usize,
    /// Its bytes in the map.
    range: Range<usize>,
}

impl StoredRows {
    /// Appends these rows to `out` in float32, each value times `scale`.
    ///
    /// # Errors
    /// candle's, for a row that is not there.
    pub fn read(&self, rows: &[u32], scale: f32, out: &mut Vec<f32>) -> candle_core::Result<()> {
        let length = self.columns / self.dtype.block_size() * self.dtype.type_size();
        let bytes = &self.map[self.range.clone()];
        for row in rows.iter().map(|row| *row as usize) {
            let bytes = bytes.get(row * length..(row + 1) * length).unwrap_or_default();
            let values = dequantize(self.dtype, bytes, self.columns)?;
            out.extend(values.iter().map(|value| value * scale));
        }
        // The system maps the pages around a row as well, and in time the whole matrix.
        release(&self.map, &self.range);
        Ok(())
    }
}

/// Tells the system that bytes of the map are not needed for now, so that they stop counting as this process's memory.
fn release(map: &Mmap, range: &Range<usize>) {
    #[cfg(unix)]
    {
        use memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: the map is of a file, and read only: a page that is asked for again is read from the file again, with the
        // same bytes. `range` comes from `Gguf::range`, within the map.
        let _ = unsafe { map.unchecked_advise_range(DontNeed, range.start, range.len()) };
    }
    #[cfg(not(unix))]
    let _ = (map, range);
}

impl Gguf {
    /// Opens a file and reads its metadata.
    ///
    /// # Errors
    /// Of kind `Model`, with the path: not there, not GGUF, or cut short.
    pub fn open(path: &Path) -> Result<Self> {
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
        let content = Content::read(&mut Cursor::new(&map[..])).map_err(|e| {
            fail(&format!("damaged GGUF header: {}", first_line(&e.to_string())))
                .hint("the file is cut short or damaged; download it again")
        })?;
        Ok(Self {
            path: path.to_owned(),
            content,
            map: Arc::new(map),
        })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn fail(&self, place: &str, message: impl Into<String>) -> Error {
        Error::model(message).path(&self.path).place(place.to_owned())
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(key)
    }

    /// Reads an integer of any width, at least 0; none where the key is missing or of another type.
    pub fn integer(&self, key: &str) -> Option<usize> {
        match self.value(key)? {
            Value::U8(v) => Some(usize::from(*v)),
            Value::U16(v) => Some(usize::from(*v)),
            Value::U32(v) => usize::try_from(*v).ok(),
            Value::U64(v) => usize::try_from(*v).ok(),
            Value::I8(v) => usize::try_from(*v).ok(),
            Value::I16(v) => usize::try_from(*v).ok(),
            Value::I32(v) => usize::try_from(*v).ok(),
            Value::I64(v) => usize::try_from(*v).ok(),
            _ => None,
        }
    }

    /// Reads an integer that must be there and be at least 1.
    ///
    /// # Errors
    /// Of kind `Model`, with the file and the key.
    pub fn size(&self, key: &str) -> Result<usize> {
        match self.integer(key) {
            Some(v) if v > 0 => Ok(v),
            Some(_) => Err(self.fail(key, "must be at least 1")),
            None => Err(self.fail(key, "missing from the file's metadata, or not a number")),
        }
    }

    /// Reads a floating-point number; none where the key is missing or of another type.
    pub fn float(&self, key: &str) -> Option<f64> {
        match self.value(key)? {
            Value::F32(v) => Some(f64::from(*v)),
            Value::F64(v) => Some(*v),
            _ => None,
        }
    }

    /// Reads a boolean; none where the key is missing or of another type.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.value(key)?.to_bool().ok()
    }

    /// Reads a text; none where the key is missing or of another type.
    pub fn string(&self, key: &str) -> Option<&str> {
        self.value(key)?.to_string().ok().map(String::as_str)
    }

    /// The name of the file's mixture of types, such as `q4_k_m`; `quantized` where it names none (llama.cpp `llama_ftype`).
    pub fn file_type(&self) -> &'static str {
        match self.integer("general.file_type") {
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
            Some(32) => "bf16",
            _ => "quantized",
        }
    }

    /// Reads an array that must be there.
    ///
    /// # Errors
    /// Of kind `Model`, with the file and the key.
    pub fn array(&self, key: &str) -> Result<&[Value]> {
        match self.value(key) {
            Some(Value::Array(values)) => Ok(values),
            _ => Err(self.fail(key, "missing from the file's metadata, or not a list")),
        }
    }

    /// Whether the file has a tensor of this name.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// Finds a tensor and checks that its bytes are inside the file.
    ///
    /// # Errors
    /// Of kind `Model`, with the file and the tensor, as all of these.
    pub fn tensor(&self, name: &str) -> Result<RawTensor<'_>> {
        let place = format!("tensor {name}");
        let info = self
            .content
            .tensor_infos
            .get(name)
            .ok_or_else(|| self.fail(&place, "missing from the file"))?;
        let (rows, columns) = match info.shape.dims() {
            [n] => (1, *n),
            [rows, columns] => (*rows, *columns),
            other => return Err(self.fail(&place, format!("has {} dimensions, 1 or 2 expected", other.len()))),
        };
        let block = info.ggml_dtype.block_size();
        if columns == 0 || columns % block != 0 {
            return Err(self.fail(
                &place,
                format!("rows of {columns} values do not divide into blocks of {block}"),
            ));
        }
        let size = rows
            .checked_mul(columns / block)
            .and_then(|n| n.checked_mul(info.ggml_dtype.type_size()));
        let start = self
            .content
            .tensor_data_offset
            .checked_add(info.offset)
            .and_then(|n| usize::try_from(n).ok());
        let bytes = start
            .zip(size)
            .and_then(|(start, size)| self.map.get(start..start.checked_add(size)?))
            .ok_or_else(|| {
                self.fail(
                    &place,
                    format!("lies beyond the end of the file ({} bytes)", self.map.len()),
                )
                .hint("the file is cut short; download it again")
            })?;
        Ok(RawTensor {
            dtype: info.ggml_dtype,
            rows,
            columns,
            bytes,
        })
    }

    /// Tells the system that a tensor's bytes are not needed again, so that they stop counting as this process's memory.
    pub fn release(&self, tensor: RawTensor) {
        release(&self.map, &self.range(tensor));
    }

    /// The range of a tensor's bytes in the map.
    fn range(&self, tensor: RawTensor) -> Range<usize> {
        let start = tensor.bytes.as_ptr() as usize - self.map.as_ptr() as usize;
        start..start + tensor.bytes.len()
    }

    /// Finds a matrix of this shape, to read single rows of it.
    pub fn rows_of(&self, name: &str, rows: usize, columns: usize) -> Result<StoredRows> {
        let tensor = self.tensor_of(name, rows, columns)?;
        Ok(StoredRows {
            map: self.map.clone(),
            dtype: tensor.dtype,
            columns,
            range: self.range(tensor),
        })
    }

    /// Finds a tensor that must have this shape; `rows` is 1 for a vector.
    pub fn tensor_of(&self, name: &str, rows: usize, columns: usize) -> Result<RawTensor<'_>> {
        let tensor = self.tensor(name)?;
        if (tensor.rows, tensor.columns) != (rows, columns) {
            let message = format!("is {} by {}, {rows} by {columns} expected", tensor.rows, tensor.columns);
            return Err(self.fail(&format!("tensor {name}"), message));
        }
        Ok(tensor)
    }

    /// Reads a vector that must be stored in float32.
    pub fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>> {
        let tensor = self.tensor_of(name, 1, len)?;
        if tensor.dtype != GgmlDType::F32 {
            return Err(self.fail(
                &format!("tensor {name}"),
                format!("is {:?}, F32 expected", tensor.dtype),
            ));
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

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

//! Reads metadata and tensors of GGUF files from a memory map; each tensor is checked when it is asked for.

#![allow(unsafe_code)]

use crate::error::{Error, Result};
use crate::model::cpu::ggml::dequantize_values;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, Value};
use memmap2::Mmap;
use std::fs::File;
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open GGUF file. Its metadata is loaded; tensors are read from the memory map when they are asked for.
pub struct GgufFile {
    path: PathBuf,
    content: Content,
    map: Arc<Mmap>,
}

/// A tensor as the GGUF file stores it, in ggml's blocks.
#[derive(Clone, Copy)]
pub struct RawTensor<'a> {
    /// ggml type of the tensor's blocks, such as `Q4K`.
    pub dtype: GgmlDType,
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
    dtype: GgmlDType,
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
    /// Opens a GGUF file and reads its metadata.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the path, if the file is missing, not GGUF, or cut short.
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

    /// Gives the path of the GGUF file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn model_error(&self, place: &str, message: impl Into<String>) -> Error {
        Error::model(message).path(&self.path).place(place.to_owned())
    }

    fn metadata_value(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(key)
    }

    /// Reads an integer of any width that is at least 0 from the metadata; none if the key is missing or has another
    /// type.
    pub fn read_integer(&self, key: &str) -> Option<usize> {
        match self.metadata_value(key)? {
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

    /// Reads a floating-point number from the metadata; none if the key is missing or has another type.
    pub fn read_float(&self, key: &str) -> Option<f64> {
        match self.metadata_value(key)? {
            Value::F32(v) => Some(f64::from(*v)),
            Value::F64(v) => Some(*v),
            _ => None,
        }
    }

    /// Reads a boolean from the metadata; none if the key is missing or has another type.
    pub fn read_boolean(&self, key: &str) -> Option<bool> {
        self.metadata_value(key)?.to_bool().ok()
    }

    /// Reads a string from the metadata; none if the key is missing or has another type.
    pub fn read_string(&self, key: &str) -> Option<&str> {
        self.metadata_value(key)?.to_string().ok().map(String::as_str)
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
            Some(32) => "bf16",
            _ => "quantized",
        }
    }

    /// Reads an array from the metadata that must exist.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the key, if the array is missing.
    pub fn read_array(&self, key: &str) -> Result<&[Value]> {
        match self.metadata_value(key) {
            Some(Value::Array(values)) => Ok(values),
            _ => Err(self.model_error(key, "missing from the file's metadata, or not a list")),
        }
    }

    /// Whether the file has a tensor called `name`.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// Finds the tensor `name`, a matrix or a vector, and checks that its bytes are inside the file.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the tensor's name, if the tensor is missing, damaged,
    /// or has more than two dimensions.
    pub fn find_tensor(&self, name: &str) -> Result<RawTensor<'_>> {
        let place = format!("tensor {name}");
        let info = self
            .content
            .tensor_infos
            .get(name)
            .ok_or_else(|| self.model_error(&place, "missing from the file"))?;
        let (rows, columns) = match info.shape.dims() {
            [n] => (1, *n),
            [rows, columns] => (*rows, *columns),
            other => return Err(self.model_error(&place, format!("has {} dimensions, 1 or 2 expected", other.len()))),
        };
        let block = info.ggml_dtype.block_size();
        if columns == 0 || columns % block != 0 {
            return Err(self.model_error(
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
                self.model_error(
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

    /// Tells the operating system that a tensor's bytes are not needed again, so that they stop counting as memory of
    /// this process.
    pub fn release_tensor(&self, tensor: RawTensor) {
        release_pages(&self.map, &self.tensor_range(tensor));
    }

    /// Computes the byte range of a tensor in the memory map.
    fn tensor_range(&self, tensor: RawTensor) -> Range<usize> {
        let start = tensor.bytes.as_ptr() as usize - self.map.as_ptr() as usize;
        start..start + tensor.bytes.len()
    }

    /// Finds the matrix `name`, which must have this shape, to read single rows of it on demand.
    ///
    /// # Errors
    /// The errors of [`GgufFile::find_tensor_with_shape`].
    pub fn open_stored_rows(&self, name: &str, rows: usize, columns: usize) -> Result<StoredRows> {
        let tensor = self.find_tensor_with_shape(name, rows, columns)?;
        Ok(StoredRows {
            map: self.map.clone(),
            dtype: tensor.dtype,
            columns,
            range: self.tensor_range(tensor),
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
        if tensor.dtype != GgmlDType::F32 {
            return Err(self.model_error(
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

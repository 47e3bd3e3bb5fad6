//! 8-bit weights that an earlier load saved in the checkpoint's directory, used directly from a memory map.
//!
//! The file holds `PLAEINT8`, the header's length (u64, little-endian), the header (JSON: the checkpoint files that
//! the weights were made from, and the position of each entry), then the entries, each at a multiple of 64 bytes.

#![allow(unsafe_code)]

use super::checkpoint::{Checkpoint, list_weight_files};
use super::source::{CpuWeightForm, MatrixRequest, ScaleGrouping, WeightForm, WeightSource};
use crate::error::{Error, Result};
use crate::model::cpu::matrix::{ActivationPrecision, Matrix};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// Name of the file with the 8-bit weights, in the model's directory.
const INT8_FILE_NAME: &str = "plae-int8.bin";
const INT8_FILE_MAGIC: &[u8; 8] = b"PLAEINT8";
/// Format version of the file with the 8-bit weights; raise it when the format of the entries changes, or when a
/// model loads other entries.
const FORMAT_VERSION: u32 = 3;
/// Every entry of the file starts at a multiple of this many bytes.
const ENTRY_ALIGNMENT_BYTES: usize = 64;

/// A [`WeightSource`] that gives a checkpoint's weights in 8 bits from the file that an earlier load wrote.
pub(in crate::model) struct Int8Cache {
    path: PathBuf,
    map: Arc<Mmap>,
    header: Int8FileHeader,
}

/// A [`WeightSource`] that reads a checkpoint, quantises its matrices to 8 bits, and keeps all it has read, to write it to
/// a file for the next load.
pub(in crate::model) struct Int8Recorder {
    checkpoint: Checkpoint,
    /// The matrices and vectors read so far, by name; a matrix stacked from several stored ones has their names
    /// joined by `+`.
    read: RefCell<BTreeMap<String, RecordedWeights>>,
}

/// A matrix or vector that was read from the checkpoint, to be written to the file.
enum RecordedWeights {
    Matrix(Arc<Matrix>),
    Vector(Vec<f32>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Int8FileHeader {
    version: u32,
    made_from: Vec<CheckpointFileStamp>,
    entries: BTreeMap<String, Int8EntryLocation>,
}

/// One of the checkpoint's files at the time when it was read; if the file has changed since, the 8-bit weights are
/// not used.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct CheckpointFileStamp {
    name: String,
    size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    modified: u128,
}

/// Position and shape of one entry, a matrix or a vector, in the file of 8-bit weights.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Int8EntryLocation {
    /// Offset of the entry's first byte in the file.
    start: usize,
    /// Number of rows of a matrix; 0 for a vector.
    rows: usize,
    /// Number of columns of a matrix, or of values of a vector.
    columns: usize,
}

impl Int8Cache {
    /// Opens the 8-bit weights in a model's directory; none if there are none, or if the checkpoint has changed since
    /// they were made.
    pub fn open(directory: &Path) -> Option<Self> {
        let made_from = list_checkpoint_files(directory).ok()?;
        let (map, header) = map_int8_file(directory, &made_from)?;
        Some(Self {
            path: directory.join(INT8_FILE_NAME),
            map,
            header,
        })
    }
}

impl WeightSource for Int8Cache {
    fn has_tensor(&self, name: &str) -> bool {
        self.header.entries.contains_key(name)
    }

    fn tensor_row_count(&self, name: &str) -> Option<usize> {
        self.header.entries.get(name).map(|entry| entry.rows)
    }

    fn read_floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let count = shape.iter().product::<usize>();
        let entry = self.header.entries.get(name).filter(|entry| entry.columns == count);
        let bytes = entry.and_then(|entry| self.map.get(entry.start..entry.start.checked_add(count * 4)?));
        let values = bytes
            .ok_or_else(|| unfit_entry_error(&self.path, name))?
            .as_chunks()
            .0
            .iter();
        Ok(values.map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn read_quantized(&self, wanted: MatrixRequest, _activations: ActivationPrecision) -> Result<Option<Arc<Matrix>>> {
        let (name, rows) = (wanted.names.join("+"), wanted.stacked_row_count());
        let entry = self.header.entries.get(&name);
        let entry = entry.filter(|entry| (entry.rows, entry.columns) == (rows, wanted.columns));
        let matrix = entry.and_then(|entry| Matrix::from_int8_map(&self.map, entry.start, rows, wanted.columns));
        let matrix = matrix.ok_or_else(|| unfit_entry_error(&self.path, &name))?;
        Ok(Some(Arc::new(matrix.keep_rows(wanted.kept))))
    }
}

impl Int8Recorder {
    /// Starts recording what is read from `checkpoint`.
    pub fn new(checkpoint: Checkpoint) -> Self {
        Self {
            checkpoint,
            read: RefCell::default(),
        }
    }

    /// Writes all weights read so far to the file of 8-bit weights in `directory`, for the next load.
    ///
    /// If the directory cannot be written to, nothing is written, and the next load quantises again.
    pub fn write_int8_cache(self, directory: &Path) {
        if let Ok(made_from) = list_checkpoint_files(directory) {
            let _ = write_int8_file(directory, made_from, &self.read.into_inner());
        }
    }
}

impl WeightSource for Int8Recorder {
    fn has_tensor(&self, name: &str) -> bool {
        self.checkpoint.has_tensor(name)
    }

    fn tensor_row_count(&self, name: &str) -> Option<usize> {
        self.checkpoint.tensor_row_count(name)
    }

    fn has_different_tensor(&self, name: &str, other: &str) -> Result<bool> {
        self.checkpoint.has_different_tensor(name, other)
    }

    fn read_floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let values = self.checkpoint.read_floats(name, shape)?;
        let entry = RecordedWeights::Vector(values.clone());
        self.read.borrow_mut().insert(name.to_owned(), entry);
        Ok(values)
    }

    fn read_quantized(&self, wanted: MatrixRequest, _activations: ActivationPrecision) -> Result<Option<Arc<Matrix>>> {
        let form = CpuWeightForm {
            activations: ActivationPrecision::Int8,
            scales: ScaleGrouping::Row,
        };
        let matrix = form.load_matrix(&self.checkpoint, wanted)?;
        let entry = RecordedWeights::Matrix(matrix.clone());
        self.read.borrow_mut().insert(wanted.names.join("+"), entry);
        Ok(Some(matrix))
    }
}

/// Makes the error for an entry of the 8-bit file that is missing or has another shape.
fn unfit_entry_error(path: &Path, name: &str) -> Error {
    Error::model("does not fit config.json")
        .path(path)
        .place(format!("entry {name}"))
        .hint("delete the file; it is made again from the checkpoint")
}

/// Lists the files of weights in a checkpoint's directory, with their sizes and times of change.
fn list_checkpoint_files(directory: &Path) -> Result<Vec<CheckpointFileStamp>> {
    let files = list_weight_files(directory)?.into_iter();
    let describe = |path: PathBuf| -> io::Result<CheckpointFileStamp> {
        let file = std::fs::metadata(&path)?;
        let modified = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(CheckpointFileStamp {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            size: file.len(),
            modified: modified.as_nanos(),
        })
    };
    files
        .map(|path| describe(path).map_err(|error| Error::model(error.to_string()).source(error)))
        .collect()
}

/// Maps the file of 8-bit weights in `directory` into memory and reads its header; none unless it was made from the
/// files `made_from`.
fn map_int8_file(directory: &Path, made_from: &[CheckpointFileStamp]) -> Option<(Arc<Mmap>, Int8FileHeader)> {
    let file = File::open(directory.join(INT8_FILE_NAME)).ok()?;
    // SAFETY: the map is read only and the file is never changed in place, only replaced as a whole; a file that another
    // program cuts short under a running process is outside what can be guarded.
    let map = unsafe { Mmap::map(&file) }.ok()?;
    let rest = map.strip_prefix(INT8_FILE_MAGIC)?;
    let length = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let header: Int8FileHeader = serde_json::from_slice(rest.get(8..8usize.checked_add(length)?)?).ok()?;
    let sound = header.version == FORMAT_VERSION && header.made_from == made_from;
    let inside = |entry: &Int8EntryLocation| {
        entry_byte_count(entry).is_some_and(|size| entry.start.checked_add(size) <= Some(map.len()))
    };
    let sound = sound && header.entries.values().all(inside);
    sound.then(|| (Arc::new(map), header))
}

/// Computes the size of an entry in bytes; none if the number overflows.
fn entry_byte_count(entry: &Int8EntryLocation) -> Option<usize> {
    match entry.rows {
        0 => entry.columns.checked_mul(4),
        rows => Matrix::int8_byte_count(rows, entry.columns),
    }
}

/// Writes the file of 8-bit weights into `directory`, complete or not at all.
fn write_int8_file(
    directory: &Path,
    made_from: Vec<CheckpointFileStamp>,
    read: &BTreeMap<String, RecordedWeights>,
) -> io::Result<()> {
    let mut header = Int8FileHeader {
        version: FORMAT_VERSION,
        made_from,
        entries: BTreeMap::new(),
    };
    for (name, entry) in read {
        let described = match entry {
            RecordedWeights::Matrix(packed) => Int8EntryLocation {
                start: usize::MAX,
                rows: packed.rows,
                columns: packed.columns,
            },
            RecordedWeights::Vector(values) => Int8EntryLocation {
                start: usize::MAX,
                rows: 0,
                columns: values.len(),
            },
        };
        header.entries.insert(name.clone(), described);
    }
    // The header is at its longest now, with all starts at the largest number.
    let reserved = (16 + serde_json::to_vec(&header)?.len()).next_multiple_of(ENTRY_ALIGNMENT_BYTES);
    let mut end = reserved;
    for entry in header.entries.values_mut() {
        entry.start = end;
        end = (end + entry_byte_count(entry).unwrap_or_default()).next_multiple_of(ENTRY_ALIGNMENT_BYTES);
    }
    let mut json = serde_json::to_vec(&header)?;
    json.resize(reserved - 16, b' ');

    let mut builder = tempfile::Builder::new();
    // Who may read the model may read this too: a temporary file is its owner's alone unless it is told otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(directory)?;
    let mut out = BufWriter::new(file);
    out.write_all(INT8_FILE_MAGIC)?;
    out.write_all(&(json.len() as u64).to_le_bytes())?;
    out.write_all(&json)?;
    for entry in read.values() {
        let mut written = 0;
        let mut put = |bytes: &[u8]| {
            written += bytes.len();
            out.write_all(bytes)
        };
        match entry {
            RecordedWeights::Matrix(packed) => packed.int8_file_bytes().into_iter().try_for_each(&mut put)?,
            RecordedWeights::Vector(values) => values.iter().try_for_each(|value| put(&value.to_le_bytes()))?,
        }
        out.write_all(&vec![0; written.next_multiple_of(ENTRY_ALIGNMENT_BYTES) - written])?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(directory.join(INT8_FILE_NAME))?;
    Ok(())
}

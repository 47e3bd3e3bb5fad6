//! 8-bit weights that an earlier load left beside a checkpoint, ready to be used from a memory map.
//!
//! The file: `PLAEINT8`, the header's length (u64, little-endian), the header (JSON: which files it was made from, and where
//! each entry is), then the entries, each at a multiple of 64 bytes.

#![allow(unsafe_code)]

use super::checkpoint::{Checkpoint, weight_files};
use super::source::{CpuForm, Form, Scales, Source, Wanted};
use crate::error::{Error, Result};
use crate::model::cpu::matrix::{Activations, Matrix};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The name of the file in a model's directory.
const FILE: &str = "plae-int8.bin";
const MAGIC: &[u8; 8] = b"PLAEINT8";
/// Format version of the file; raise it when the form of an entry changes, or which entries are asked for.
const VERSION: u32 = 2;
/// Bytes that the start of each entry is a multiple of.
const ALIGNMENT: usize = 64;

/// The 8-bit weights of a checkpoint, from the file of an earlier load.
pub(in crate::model) struct Int8Cache {
    path: PathBuf,
    map: Arc<Mmap>,
    header: Header,
}

/// A checkpoint that remembers what was read of it in 8 bits, to write it down for the next load.
pub(in crate::model) struct Int8Recorder {
    checkpoint: Checkpoint,
    /// The entries by name; the names of matrices that were read as one are joined by `+`.
    read: RefCell<BTreeMap<String, Entry>>,
}

/// The matrix or vector that was read under one name.
enum Entry {
    Matrix(Arc<Matrix>),
    Vector(Vec<f32>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    made_from: Vec<CheckpointFile>,
    entries: BTreeMap<String, EntryPlace>,
}

/// A file of the checkpoint as it was when it was read; if it has changed, the 8-bit file is void.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct CheckpointFile {
    name: String,
    size: u64,
    /// Nanoseconds since 1970.
    modified: u128,
}

/// The position of an entry in the file, and its shape.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct EntryPlace {
    /// Its first byte.
    start: usize,
    /// 0 for a vector.
    rows: usize,
    columns: usize,
}

impl Int8Cache {
    /// Opens the file in a model's directory; none where there is none, or not one made from the checkpoint as it is now.
    pub fn open(directory: &Path) -> Option<Self> {
        let made_from = checkpoint_files(directory).ok()?;
        let (map, header) = read(directory, &made_from)?;
        Some(Self {
            path: directory.join(FILE),
            map,
            header,
        })
    }
}

impl Source for Int8Cache {
    fn has(&self, name: &str) -> bool {
        self.header.entries.contains_key(name)
    }

    fn rows(&self, name: &str) -> Option<usize> {
        self.header.entries.get(name).map(|entry| entry.rows)
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let count = shape.iter().product::<usize>();
        let entry = self.header.entries.get(name).filter(|entry| entry.columns == count);
        let bytes = entry.and_then(|entry| self.map.get(entry.start..entry.start.checked_add(count * 4)?));
        let values = bytes.ok_or_else(|| unfit(&self.path, name))?.as_chunks().0.iter();
        Ok(values.map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn quantized(&self, wanted: Wanted, _activations: Activations) -> Result<Option<Arc<Matrix>>> {
        let (name, rows) = (wanted.names.join("+"), wanted.all_rows());
        let entry = self.header.entries.get(&name);
        let entry = entry.filter(|entry| (entry.rows, entry.columns) == (rows, wanted.columns));
        let matrix = entry.and_then(|entry| Matrix::from_int8_map(&self.map, entry.start, rows, wanted.columns));
        let matrix = matrix.ok_or_else(|| unfit(&self.path, &name))?;
        Ok(Some(Arc::new(matrix.keep_rows(wanted.kept))))
    }
}

impl Int8Recorder {
    /// Reads a checkpoint.
    pub fn new(checkpoint: Checkpoint) -> Self {
        Self {
            checkpoint,
            read: RefCell::default(),
        }
    }

    /// Writes what was read beside the checkpoint, for the next load.
    ///
    /// A directory that cannot be written to only costs the next load its time.
    pub fn write(self, directory: &Path) {
        if let Ok(made_from) = checkpoint_files(directory) {
            let _ = write(directory, made_from, &self.read.into_inner());
        }
    }
}

impl Source for Int8Recorder {
    fn has(&self, name: &str) -> bool {
        self.checkpoint.has(name)
    }

    fn rows(&self, name: &str) -> Option<usize> {
        self.checkpoint.rows(name)
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let values = self.checkpoint.floats(name, shape)?;
        let entry = Entry::Vector(values.clone());
        self.read.borrow_mut().insert(name.to_owned(), entry);
        Ok(values)
    }

    fn quantized(&self, wanted: Wanted, _activations: Activations) -> Result<Option<Arc<Matrix>>> {
        let form = CpuForm {
            activations: Activations::Int8,
            scales: Scales::Row,
        };
        let matrix = form.matrix(&self.checkpoint, wanted)?;
        let entry = Entry::Matrix(matrix.clone());
        self.read.borrow_mut().insert(wanted.names.join("+"), entry);
        Ok(Some(matrix))
    }
}

/// The error for an entry that is missing or of another shape.
fn unfit(path: &Path, name: &str) -> Error {
    Error::model("does not fit config.json")
        .path(path)
        .place(format!("entry {name}"))
        .hint("delete the file; it is made again from the checkpoint")
}

/// Describes the files with a directory's weights.
fn checkpoint_files(directory: &Path) -> Result<Vec<CheckpointFile>> {
    let files = weight_files(directory)?.into_iter();
    let describe = |path: PathBuf| -> io::Result<CheckpointFile> {
        let file = std::fs::metadata(&path)?;
        let modified = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(CheckpointFile {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            size: file.len(),
            modified: modified.as_nanos(),
        })
    };
    files
        .map(|path| describe(path).map_err(|error| Error::model(error.to_string()).source(error)))
        .collect()
}

/// Maps the 8-bit file, if there is one and it was made from these files.
fn read(directory: &Path, made_from: &[CheckpointFile]) -> Option<(Arc<Mmap>, Header)> {
    let file = File::open(directory.join(FILE)).ok()?;
    // SAFETY: the map is read only and the file is never changed in place, only replaced as a whole; a file that another
    // program cuts short under a running process is outside what can be guarded.
    let map = unsafe { Mmap::map(&file) }.ok()?;
    let rest = map.strip_prefix(MAGIC)?;
    let length = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let header: Header = serde_json::from_slice(rest.get(8..8usize.checked_add(length)?)?).ok()?;
    let sound = header.version == VERSION && header.made_from == made_from;
    let inside = |entry: &EntryPlace| size(entry).is_some_and(|size| entry.start.checked_add(size) <= Some(map.len()));
    let sound = sound && header.entries.values().all(inside);
    sound.then(|| (Arc::new(map), header))
}

/// Counts the bytes of an entry; none where they overflow.
fn size(entry: &EntryPlace) -> Option<usize> {
    match entry.rows {
        0 => entry.columns.checked_mul(4),
        rows => Matrix::int8_len(rows, entry.columns),
    }
}

/// Writes the 8-bit file, complete or not at all.
fn write(directory: &Path, made_from: Vec<CheckpointFile>, read: &BTreeMap<String, Entry>) -> io::Result<()> {
    let mut header = Header {
        version: VERSION,
        made_from,
        entries: BTreeMap::new(),
    };
    for (name, entry) in read {
        let described = match entry {
            Entry::Matrix(packed) => EntryPlace {
                start: usize::MAX,
                rows: packed.rows,
                columns: packed.columns,
            },
            Entry::Vector(values) => EntryPlace {
                start: usize::MAX,
                rows: 0,
                columns: values.len(),
            },
        };
        header.entries.insert(name.clone(), described);
    }
    // The longest that the header can be, starts still unknown.
    let reserved = (16 + serde_json::to_vec(&header)?.len()).next_multiple_of(ALIGNMENT);
    let mut end = reserved;
    for entry in header.entries.values_mut() {
        entry.start = end;
        end = (end + size(entry).unwrap_or_default()).next_multiple_of(ALIGNMENT);
    }
    let mut json = serde_json::to_vec(&header)?;
    json.resize(reserved - 16, b' ');

    let file = tempfile::NamedTempFile::new_in(directory)?;
    let mut out = BufWriter::new(file);
    out.write_all(MAGIC)?;
    out.write_all(&(json.len() as u64).to_le_bytes())?;
    out.write_all(&json)?;
    for entry in read.values() {
        let mut written = 0;
        let mut put = |bytes: &[u8]| {
            written += bytes.len();
            out.write_all(bytes)
        };
        match entry {
            Entry::Matrix(packed) => packed.int8_bytes().into_iter().try_for_each(&mut put)?,
            Entry::Vector(values) => values.iter().try_for_each(|value| put(&value.to_le_bytes()))?,
        }
        out.write_all(&vec![0; written.next_multiple_of(ALIGNMENT) - written])?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(directory.join(FILE))?;
    Ok(())
}

//! Where a model's matrices and vectors come from: its checkpoint, or the 8-bit form of it that an earlier load left beside it.
//!
//! The 8-bit file: `PLAEINT8`, the header's length (u64, little-endian), the header (JSON: what it was made from, and
//! where each entry is), then the entries, each at a multiple of 64 bytes, ready to be used from a memory map.

use super::load::Source;
use crate::error::{Error, Result};
use crate::model::Activations;
use crate::model::cpu::matrix::Matrix;
use crate::model::weights::checkpoint::{Checkpoint, weight_files};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The name of the 8-bit file in a model's directory.
const FILE: &str = "plae-int8.bin";
const MAGIC: &[u8; 8] = b"PLAEINT8";
/// Raised when the form of an entry changes, or which entries are asked for.
const VERSION: u32 = 2;
const ALIGNMENT: usize = 64;

/// A model's weights, asked for by name.
pub(super) enum Weights {
    Checkpoint {
        checkpoint: Checkpoint,
        activations: Activations,
        /// What has been asked for, to be written down.
        seen: RefCell<BTreeMap<String, Entry>>,
    },
    Quantized {
        path: PathBuf,
        map: Arc<Mmap>,
        header: Header,
    },
}

/// What was asked for under one name.
pub(super) enum Entry {
    Matrix(Arc<Matrix>),
    Vector(Vec<f32>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    version: u32,
    made_from: Vec<Origin>,
    /// By name, where an entry starts and its shape.
    entries: BTreeMap<String, Place>,
}

/// A file of weights as it was when it was read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    name: String,
    size: u64,
    /// Nanoseconds since 1970.
    modified: u128,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Place {
    start: usize,
    /// 0 for a vector.
    rows: usize,
    columns: usize,
}

impl Weights {
    /// Opens a directory's weights, in 8 bits from an earlier load's file where that is still good.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`].
    pub fn open(directory: &Path, activations: Activations) -> Result<Self> {
        if activations == Activations::Int8 {
            let known = origins(directory).ok().and_then(|origins| read(directory, &origins));
            if let Some((map, header)) = known {
                return Ok(Self::Quantized {
                    path: directory.join(FILE),
                    map,
                    header,
                });
            }
        }
        Ok(Self::Checkpoint {
            checkpoint: Checkpoint::open(directory)?,
            activations,
            seen: RefCell::default(),
        })
    }

    /// Writes what was asked for beside the checkpoint, for the next load, if it is in 8 bits and not written yet.
    ///
    /// A directory that cannot be written to only costs the next load its time.
    pub fn keep(self, directory: &Path) {
        if let Self::Checkpoint {
            activations: Activations::Int8,
            seen,
            ..
        } = self
            && let Ok(made_from) = origins(directory)
        {
            let _ = write(directory, made_from, &seen.into_inner());
        }
    }
}

impl Source for Weights {
    type Matrix = Arc<Matrix>;
    type Vector = Vec<f32>;

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Checkpoint { checkpoint, .. } => checkpoint.has(name),
            Self::Quantized { header, .. } => header.entries.contains_key(name),
        }
    }

    fn rows(&self, name: &str) -> Option<usize> {
        match self {
            Self::Checkpoint { checkpoint, .. } => checkpoint.rows(name),
            Self::Quantized { header, .. } => header.entries.get(name).map(|place| place.rows),
        }
    }

    fn matrix(&self, names: &[String], rows: usize, columns: usize) -> Result<Arc<Matrix>> {
        let name = names.join("+");
        let all = rows * names.len();
        match self {
            Self::Checkpoint {
                checkpoint,
                activations,
                seen,
            } => {
                let values = names
                    .iter()
                    .map(|name| checkpoint.floats(name, &[rows, columns]))
                    .collect::<Result<Vec<_>>>()?;
                let packed = Arc::new(Matrix::from_f32_row_scales(all, columns, *activations, |row| {
                    &values[row / rows][row % rows * columns..][..columns]
                }));
                seen.borrow_mut().insert(name, Entry::Matrix(packed.clone()));
                Ok(packed)
            }
            Self::Quantized { path, map, header } => {
                let place = header
                    .entries
                    .get(&name)
                    .filter(|place| (place.rows, place.columns) == (all, columns));
                let packed = place.and_then(|place| Matrix::from_int8_map(map, place.start, all, columns));
                packed.map(Arc::new).ok_or_else(|| unfit(path, &name))
            }
        }
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        match self {
            Self::Checkpoint { checkpoint, seen, .. } => {
                let values = checkpoint.floats(name, shape)?;
                seen.borrow_mut().insert(name.to_owned(), Entry::Vector(values.clone()));
                Ok(values)
            }
            Self::Quantized { path, map, header } => {
                let count = shape.iter().product::<usize>();
                let place = header.entries.get(name).filter(|place| place.columns == count);
                let bytes = place.and_then(|place| map.get(place.start..place.start.checked_add(count * 4)?));
                let values = bytes.ok_or_else(|| unfit(path, name))?.as_chunks().0.iter();
                Ok(values.map(|bytes| f32::from_le_bytes(*bytes)).collect())
            }
        }
    }

    fn vector(&self, values: Vec<f32>, _shape: &[usize]) -> Result<Vec<f32>> {
        Ok(values)
    }
}

fn unfit(path: &Path, name: &str) -> Error {
    Error::model("does not fit config.json")
        .path(path)
        .place(format!("entry {name}"))
        .hint("delete the file; it is made again from the checkpoint")
}

fn origins(directory: &Path) -> Result<Vec<Origin>> {
    let files = weight_files(directory)?.into_iter();
    let origin = |path: PathBuf| -> io::Result<Origin> {
        let file = std::fs::metadata(&path)?;
        let modified = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Origin {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            size: file.len(),
            modified: modified.as_nanos(),
        })
    };
    files
        .map(|path| origin(path).map_err(|error| Error::model(error.to_string()).source(error)))
        .collect()
}

/// The 8-bit file, if there is one and it was made from these files.
fn read(directory: &Path, origins: &[Origin]) -> Option<(Arc<Mmap>, Header)> {
    let file = File::open(directory.join(FILE)).ok()?;
    // SAFETY: the map is read only; a file cut short under a running process is outside what can be guarded.
    let map = unsafe { Mmap::map(&file) }.ok()?;
    let rest = map.strip_prefix(MAGIC)?;
    let length = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let header: Header = serde_json::from_slice(rest.get(8..8usize.checked_add(length)?)?).ok()?;
    let sound = header.version == VERSION && header.made_from == origins;
    let inside = |place: &Place| size(place).is_some_and(|size| place.start.checked_add(size) <= Some(map.len()));
    let sound = sound && header.entries.values().all(inside);
    sound.then(|| (Arc::new(map), header))
}

/// Bytes of an entry.
fn size(place: &Place) -> Option<usize> {
    match place.rows {
        0 => place.columns.checked_mul(4),
        rows => Matrix::int8_len(rows, place.columns),
    }
}

fn write(directory: &Path, made_from: Vec<Origin>, seen: &BTreeMap<String, Entry>) -> io::Result<()> {
    let mut header = Header {
        version: VERSION,
        made_from,
        entries: BTreeMap::new(),
    };
    for (name, entry) in seen {
        let place = match entry {
            Entry::Matrix(packed) => Place {
                start: usize::MAX,
                rows: packed.rows,
                columns: packed.columns,
            },
            Entry::Vector(values) => Place {
                start: usize::MAX,
                rows: 0,
                columns: values.len(),
            },
        };
        header.entries.insert(name.clone(), place);
    }
    // The longest that the header can be, starts still unknown.
    let reserved = (16 + serde_json::to_vec(&header)?.len()).next_multiple_of(ALIGNMENT);
    let mut end = reserved;
    for place in header.entries.values_mut() {
        place.start = end;
        end = (end + size(place).unwrap_or_default()).next_multiple_of(ALIGNMENT);
    }
    let mut json = serde_json::to_vec(&header)?;
    json.resize(reserved - 16, b' ');

    let file = tempfile::NamedTempFile::new_in(directory)?;
    let mut out = BufWriter::new(file);
    out.write_all(MAGIC)?;
    out.write_all(&(json.len() as u64).to_le_bytes())?;
    out.write_all(&json)?;
    for entry in seen.values() {
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

//! PyTorch checkpoints: zip archives of a pickle, which lists the tensors, and of storages, which hold the tensors'
//! bytes.
//!
//! candle's own reading of them is not used: it copies what a pickle shares, prints the objects that it skips, fails on
//! strides, and does not tell a tensor's type.

use super::unpickle::{Object, read_dictionary};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// The bytes that the lists of tensors of a checkpoint may have; those of the largest models have a few million.
const MAX_PICKLE_BYTES: u64 = 64 << 20;
/// The dimensions that a tensor may have; models have up to 5.
const MAX_DIMENSIONS: usize = 8;

type PickleError = Box<dyn std::error::Error + Send + Sync>;

/// An open PyTorch checkpoint: its path, and where in it each tensor is.
pub(in crate::model) struct PickleCheckpoint {
    path: PathBuf,
    tensors: HashMap<String, PickledTensor>,
}

/// Describes one tensor of the archive: its type, its shape, and where its numbers are.
#[derive(PartialEq)]
pub(in crate::model) struct PickledTensor {
    /// PyTorch's name of the tensor's number type, such as `FloatStorage`.
    pub kind: String,
    pub shape: Vec<usize>,
    /// Stride of each dimension: the distance in the storage, counted in numbers, between two neighbours along it.
    strides: Vec<usize>,
    /// Index of the tensor's first number in the storage.
    start: usize,
    /// Name of the archive's member that is the tensor's storage.
    entry: String,
}

impl PickleCheckpoint {
    /// Opens a PyTorch checkpoint and lists its tensors; other objects in it are skipped.
    ///
    /// # Errors
    /// Fails if the file is not a zip archive, or candle cannot interpret its pickle.
    pub fn open(path: &Path) -> Result<Self, PickleError> {
        let mut archive = open_zip_archive(path)?;
        let names: Vec<String> = archive
            .file_names()
            .map(|name| name.map(|name| name.into_owned()))
            .collect::<Result<_, _>>()?;
        let mut tensors = HashMap::new();
        let mut room = MAX_PICKLE_BYTES;
        for name in names.iter().filter(|name| name.ends_with("data.pkl")) {
            let mut pickle = Vec::new();
            archive.by_name(name)?.take(room + 1).read_to_end(&mut pickle)?;
            let left = room.checked_sub(pickle.len() as u64);
            room = left.ok_or_else(|| format!("{name} is longer than any list of tensors"))?;
            let base = name.strip_suffix(".pkl").unwrap_or(name);
            let named = read_dictionary(&pickle)?
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_string(), PickledTensor::from_pickled_object(&value, base)?)));
            tensors.extend(named);
        }
        Ok(Self {
            path: path.to_owned(),
            tensors,
        })
    }

    /// Gives the names of all tensors of the checkpoint, in no particular order.
    pub fn tensor_names(&self) -> impl Iterator<Item = &String> {
        self.tensors.keys()
    }

    /// Finds a tensor by its name.
    pub fn find_tensor(&self, name: &str) -> Option<&PickledTensor> {
        self.tensors.get(name)
    }

    /// Reads a tensor's numbers from the archive, row by row, as raw bytes; each number has `size` bytes.
    ///
    /// # Errors
    /// Fails if the storage is missing or too short.
    pub fn read_tensor_bytes(&self, tensor: &PickledTensor, size: usize) -> Result<Vec<u8>, PickleError> {
        let (count, span) = tensor.element_count_and_span().ok_or("a shape beyond all memory")?;
        let bytes = |numbers: usize| numbers.checked_mul(size).ok_or("a shape beyond all memory");
        let mut archive = open_zip_archive(&self.path)?;
        let mut storage = archive.by_name(&tensor.entry)?;
        let (before, length) = (bytes(tensor.start)? as u64, bytes(span)?);
        let mut held = Vec::new();
        if io::copy(&mut storage.by_ref().take(before), &mut io::sink())? == before {
            // Grows as it reads: a damaged shape does not take memory that the file does not fill.
            storage.take(length as u64).read_to_end(&mut held)?;
        }
        if held.len() != length {
            return Err(format!("the storage {} is cut short", tensor.entry).into());
        }
        if tensor.is_row_major() {
            return Ok(held);
        }
        if bytes(count)? as u64 > std::fs::metadata(&self.path)?.len() {
            return Err("a shape of more numbers than the file has room for".into());
        }
        let mut ordered = Vec::with_capacity(bytes(count)?);
        let mut index = vec![0; tensor.shape.len()];
        for _ in 0..count {
            let from: usize = index.iter().zip(&tensor.strides).map(|(i, stride)| i * stride).sum();
            ordered.extend_from_slice(&held[from * size..][..size]);
            for (i, length) in index.iter_mut().zip(&tensor.shape).rev() {
                *i += 1;
                if *i < *length {
                    break;
                }
                *i = 0;
            }
        }
        Ok(ordered)
    }
}

impl PickledTensor {
    /// Reads the description of a tensor or of a `Parameter` from a pickled object. `base` is the directory in the
    /// archive that holds the pickle's storages. None for any other object.
    fn from_pickled_object(object: &Object, base: &str) -> Option<Self> {
        let Object::Call(call, _) = object else { return None };
        let (Object::Class(function), Object::Tuple(arguments, _)) = &**call else {
            return None;
        };
        Self::from_call(function, arguments, base)
    }

    /// Reads the call of a function that makes a tensor.
    fn from_call(function: &str, arguments: &[Object], base: &str) -> Option<Self> {
        match (function, arguments) {
            ("torch._utils._rebuild_tensor_v2", _) => Self::from_arguments(arguments, base),
            ("torch._utils._rebuild_parameter", [tensor, ..]) => Self::from_pickled_object(tensor, base),
            // (the function, the type, its arguments, the state)
            ("torch._tensor._rebuild_from_type_v2", [Object::Class(function), _, Object::Tuple(inner, _), ..]) => {
                Self::from_call(function, inner, base)
            }
            _ => None,
        }
    }

    /// Reads the arguments of PyTorch's function that makes a tensor.
    fn from_arguments(arguments: &[Object], base: &str) -> Option<Self> {
        // (the storage, the index of its first number, the sizes, the strides, and arguments that are not needed)
        let [Object::Stored(storage, _), start, sizes, strides, ..] = arguments else {
            return None;
        };
        let start = as_usize(start)?;
        let counts = |object: &Object| match object {
            Object::Tuple(sizes, _) if sizes.len() <= MAX_DIMENSIONS => {
                sizes.iter().map(as_usize).collect::<Option<Vec<_>>>()
            }
            _ => None,
        };
        let (shape, strides) = (counts(sizes)?, counts(strides)?);
        // ("storage", its type, its name, the device, its length)
        let Object::Tuple(storage, _) = &**storage else {
            return None;
        };
        let [_, Object::Class(kind), Object::Text(key), ..] = &**storage else {
            return None;
        };
        let kind = kind.rsplit('.').next().unwrap_or(kind).to_owned();
        (shape.len() == strides.len()).then(|| Self {
            kind,
            shape,
            strides,
            start,
            entry: format!("{base}/{key}"),
        })
    }

    /// Computes how many numbers the tensor has, and over how many numbers of the storage they are spread; none if a
    /// count overflows.
    fn element_count_and_span(&self) -> Option<(usize, usize)> {
        let count = self
            .shape
            .iter()
            .try_fold(1usize, |count, size| count.checked_mul(*size))?;
        let mut last = 0usize;
        for (size, stride) in self.shape.iter().zip(&self.strides) {
            last = last.checked_add(size.saturating_sub(1).checked_mul(*stride)?)?;
        }
        Some((count, if count == 0 { 0 } else { last.checked_add(1)? }))
    }

    /// Whether the storage holds the tensor's numbers row by row without gaps, so that they can be used as they are.
    fn is_row_major(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(size, stride)| {
            let fits = *size <= 1 || *stride == expected;
            expected = usize::wrapping_mul(expected, *size);
            fits
        })
    }
}

fn open_zip_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, PickleError> {
    Ok(ZipArchive::new(BufReader::new(File::open(path)?))?)
}

fn as_usize(object: &Object) -> Option<usize> {
    match object {
        Object::Integer(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Writes a checkpoint of one tensor `a` of 2-byte numbers, with the given sizes, strides and bytes of its
    /// storage.
    fn checkpoint(directory: &Path, sizes: [u8; 2], strides: [u8; 2], storage: &[u8]) -> PathBuf {
        let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
        let pair = |[a, b]: [u8; 2]| vec![b'K', a, b'K', b, 0x86];
        let pickle = [
            b"\x80\x02}(".to_vec(),
            text("a"),
            b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
            text("storage"),
            b"ctorch\nHalfStorage\n".to_vec(),
            text("0"),
            text("cpu"),
            b"K\x06tQK\x01".to_vec(),
            pair(sizes),
            pair(strides),
            b"\x89ccollections\nOrderedDict\n)RtRu.".to_vec(),
        ];
        let path = directory.join("pytorch_model.bin");
        let mut archive = zip::ZipWriter::new(File::create(&path).expect("a file"));
        for (name, bytes) in [("m/data.pkl", &pickle.concat()[..]), ("m/data/0", storage)] {
            let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            archive.start_file(name, options).expect("an entry");
            archive.write_all(bytes).expect("bytes");
        }
        archive.finish().expect("an archive");
        path
    }

    #[test]
    fn numbers_come_row_by_row_whatever_their_strides() {
        let directory = tempfile::tempdir().expect("a directory");
        // The first number is the second of the storage, of two bytes each.
        let storage: Vec<u8> = (0..7).flat_map(|number| [number, 100 + number]).collect();
        for (sizes, strides, expected) in [
            ([2, 3], [3, 1], &[1, 2, 3, 4, 5, 6][..]),
            ([2, 3], [1, 2], &[1, 3, 5, 2, 4, 6]),
            ([2, 2], [0, 1], &[1, 2, 1, 2]),
            ([1, 3], [9, 2], &[1, 3, 5]),
            ([0, 3], [3, 1], &[]),
        ] {
            let pickle =
                PickleCheckpoint::open(&checkpoint(directory.path(), sizes, strides, &storage)).expect("a checkpoint");
            let tensor = pickle.find_tensor("a").expect("the tensor");
            assert_eq!(tensor.kind, "HalfStorage");
            assert_eq!(tensor.shape, sizes.map(usize::from));
            let bytes = pickle.read_tensor_bytes(tensor, 2).expect("numbers");
            let expected: Vec<u8> = expected.iter().flat_map(|number| [*number, 100 + number]).collect();
            assert_eq!(bytes, expected, "{sizes:?} {strides:?}");
        }
    }

    #[test]
    fn a_short_storage_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        for length in [0, 1, 2, 13] {
            let path = checkpoint(directory.path(), [2, 3], [3, 1], &vec![0; length]);
            let pickle = PickleCheckpoint::open(&path).expect("a checkpoint");
            let error = pickle
                .read_tensor_bytes(pickle.find_tensor("a").expect("the tensor"), 2)
                .unwrap_err();
            assert!(error.to_string().contains("m/data/0 is cut short"), "{error}");
        }
    }

    /// Strides of 0 make many numbers of one; no more than the file has room for.
    #[test]
    fn a_tensor_that_is_larger_than_its_file_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = checkpoint(directory.path(), [255, 255], [0, 0], &[0, 0, 1, 2]);
        let pickle = PickleCheckpoint::open(&path).expect("a checkpoint");
        let tensor = pickle.find_tensor("a").expect("the tensor");
        let error = pickle.read_tensor_bytes(tensor, 2).unwrap_err();
        assert!(error.to_string().contains("more numbers than the file"), "{error}");
    }

    /// A list of tensors that would unpack to gigabytes is not unpacked.
    #[test]
    fn an_endless_pickle_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pytorch_model.bin");
        let mut archive = zip::ZipWriter::new(File::create(&path).expect("a file"));
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("m/data.pkl", options).expect("an entry");
        let zeros = vec![b'N'; 1 << 20];
        for _ in 0..(MAX_PICKLE_BYTES >> 20) + 1 {
            archive.write_all(&zeros).expect("bytes");
        }
        archive.finish().expect("an archive");
        let error = PickleCheckpoint::open(&path).err().expect("an error");
        assert!(error.to_string().contains("longer than any list"), "{error}");
    }
}

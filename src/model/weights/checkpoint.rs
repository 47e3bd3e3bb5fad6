//! Weights in the layout of a Hub repository: safetensors or PyTorch's pickle, in one file or in shards.

#![allow(unsafe_code)]

use super::pickle::PickleCheckpoint;
use super::source::WeightSource;
use crate::error::{Error, Result};
use candle_core::safetensors::MmapedSafetensors;
use half::{bf16, f16};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The weights in one directory. Each tensor is read when it is asked for, and converted to float32 from the
/// floating-point type in which it is stored.
pub(in crate::model) struct Checkpoint {
    directory: PathBuf,
    parts: Vec<WeightFile>,
    /// For each tensor's name, the index in `parts` of the file that holds it.
    part_of: HashMap<String, usize>,
}

/// One file of weights: the only one, or a shard.
struct WeightFile {
    path: PathBuf,
    tensors: FileTensors,
}

enum FileTensors {
    Safetensors(MmapedSafetensors),
    Pickle(PickleCheckpoint),
}

/// A floating-point type that weights may be stored in.
#[derive(Clone, Copy)]
enum FloatType {
    F64,
    F32,
    F16,
    Bf16,
}

impl FloatType {
    /// Finds a floating-point type by its name in safetensors or PyTorch; none for any other type.
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "F64" | "DoubleStorage" => Self::F64,
            "F32" | "FloatStorage" => Self::F32,
            "F16" | "HalfStorage" => Self::F16,
            "BF16" | "BFloat16Storage" => Self::Bf16,
            _ => return None,
        })
    }

    /// Gives the size of one number in bytes.
    fn size_bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Converts little-endian numbers of this type to float32.
    fn convert_to_f32(self, bytes: &[u8]) -> Vec<f32> {
        fn convert_each<const N: usize>(bytes: &[u8], widen: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|number| widen(*number)).collect()
        }
        match self {
            Self::F64 => convert_each(bytes, |number| f64::from_le_bytes(number) as f32),
            Self::F32 => convert_each(bytes, f32::from_le_bytes),
            Self::F16 => convert_each(bytes, |number| f16::from_le_bytes(number).to_f32()),
            Self::Bf16 => convert_each(bytes, |number| bf16::from_le_bytes(number).to_f32()),
        }
    }
}

impl Checkpoint {
    /// Opens the weights in a directory. The first that exists is used: `model.safetensors`, its shards,
    /// `pytorch_model.bin`, its shards.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the path, if there are no weights, a shard is missing, or a file is
    /// damaged.
    pub fn open(directory: &Path) -> Result<Self> {
        let mut parts = Vec::new();
        let mut part_of = HashMap::new();
        for path in list_weight_files(directory)? {
            let part = WeightFile::open(path)?;
            for name in part.tensor_names() {
                part_of.insert(name, parts.len());
            }
            parts.push(part);
        }
        Ok(Self {
            directory: directory.to_owned(),
            parts,
            part_of,
        })
    }
}

impl WeightSource for Checkpoint {
    fn has_tensor(&self, name: &str) -> bool {
        self.part_of.contains_key(name)
    }

    fn tensor_row_count(&self, name: &str) -> Option<usize> {
        let (_, shape) = self.parts[*self.part_of.get(name)?].describe_tensor(name)?;
        shape.first().copied()
    }

    fn has_different_tensor(&self, name: &str, other: &str) -> Result<bool> {
        let part = |name: &str| self.part_of.get(name).map(|index| &self.parts[*index]);
        let (Some(one), Some(two)) = (part(name), part(other)) else {
            return Ok(self.has_tensor(name) && name != other);
        };
        if one.describe_tensor(name) != two.describe_tensor(other) {
            return Ok(true);
        }
        let is_same = std::ptr::eq(one, two) && one.is_same_storage(name, other);
        Ok(!is_same && one.read_bytes(name)? != two.read_bytes(other)?)
    }

    fn read_floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some(part) = self.part_of.get(name).map(|index| &self.parts[*index]) else {
            let path = match self.parts.as_slice() {
                [part] => &part.path,
                _ => &self.directory,
            };
            return Err(Error::model(format!("missing; {} expected", format_shape(shape)))
                .path(path)
                .place(format!("tensor {name}"))
                .hint("the weights do not fit config.json, or the file is not whole"));
        };
        let fail = |message: String| Error::model(message).path(&part.path).place(format!("tensor {name}"));
        let Some((kind, dims)) = part.describe_tensor(name) else {
            return Err(fail("cannot be read".to_owned()).hint("the file is damaged; fetch it again"));
        };
        let Some(float) = FloatType::from_name(&kind) else {
            return Err(fail(format!("is of type {kind}; F32, F16, BF16 or F64 is expected"))
                .hint("these are quantized weights, or not a model's; take those that are not quantized"));
        };
        if dims != shape {
            return Err(
                fail(format!("is {}, {} expected", format_shape(&dims), format_shape(shape)))
                    .hint("config.json and the weights are not of one model"),
            );
        }
        let values = float.convert_to_f32(&part.read_bytes(name)?);
        // Looks at all values instead of stopping at the first NaN, so that the loop is vectorised.
        if values.iter().fold(false, |any, value| any | value.is_nan()) {
            Err(fail("holds values that are no numbers".to_owned()).hint("the file is damaged; fetch it again"))
        } else {
            Ok(values)
        }
    }
}

impl WeightFile {
    fn open(path: PathBuf) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            Error::model(format!("cannot open the weights: {error}"))
                .path(&path)
                .source(error)
        };
        let file = std::fs::metadata(&path).map_err(cannot)?;
        let mut start = Vec::new();
        if file.is_file() {
            let opened = std::fs::File::open(&path).map_err(cannot)?;
            opened.take(2).read_to_end(&mut start).map_err(cannot)?;
        }
        let message = match (file.is_file(), start.as_slice()) {
            (false, _) => Some(("is not a file", "fetch the model again")),
            (true, []) => Some(("the file is empty", "fetch it again")),
            // A pickle of protocol 2, as torch.save wrote before version 1.6.
            (true, [0x80, _]) if !is_safetensors(&path) => Some((
                "is in PyTorch's old format, a pickle without an archive",
                "write it anew in Python: torch.save(torch.load(path), path)",
            )),
            _ => None,
        };
        if let Some((message, hint)) = message {
            return Err(Error::model(message).path(&path).hint(hint));
        }
        let fail = |what: &str, error: Box<dyn std::error::Error + Send + Sync>| {
            let text = error.to_string();
            Error::model(format!("{what}: {}", text.lines().next().unwrap_or_default()))
                .path(&path)
                .hint("the file is cut short or damaged; fetch it again")
                .source(error)
        };
        let tensors = if is_safetensors(&path) {
            // SAFETY: the map is read only; a file that another program changes or cuts short under a running process is outside
            // what can be guarded.
            let opened = unsafe { MmapedSafetensors::multi(&[&path]) };
            FileTensors::Safetensors(opened.map_err(|error| fail("not a whole safetensors file", error.into()))?)
        } else {
            FileTensors::Pickle(PickleCheckpoint::open(&path).map_err(|error| fail("not a whole PyTorch file", error))?)
        };
        Ok(Self { path, tensors })
    }

    fn tensor_names(&self) -> Vec<String> {
        match &self.tensors {
            FileTensors::Safetensors(tensors) => tensors.tensors().into_iter().map(|(name, _)| name).collect(),
            FileTensors::Pickle(tensors) => tensors.tensor_names().cloned().collect(),
        }
    }

    /// Gives a tensor's number type, as the file names it, and its shape; none if it is missing.
    fn describe_tensor(&self, name: &str) -> Option<(String, Vec<usize>)> {
        match &self.tensors {
            FileTensors::Safetensors(tensors) => {
                let tensor = tensors.get(name).ok()?;
                Some((format!("{:?}", tensor.dtype()), tensor.shape().to_vec()))
            }
            FileTensors::Pickle(tensors) => {
                let tensor = tensors.find_tensor(name)?;
                Some((tensor.kind.clone(), tensor.shape.clone()))
            }
        }
    }

    /// Reads the numbers of a tensor as the file stores them, row by row.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the tensor's name.
    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let read = || -> Result<Cow<'_, [u8]>, Box<dyn std::error::Error + Send + Sync>> {
            match &self.tensors {
                FileTensors::Safetensors(tensors) => Ok(Cow::Borrowed(tensors.get(name)?.data())),
                FileTensors::Pickle(tensors) => {
                    let tensor = tensors.find_tensor(name).ok_or("no such tensor")?;
                    let float = FloatType::from_name(&tensor.kind).ok_or("not of a floating-point type")?;
                    Ok(Cow::Owned(tensors.read_tensor_bytes(tensor, float.size_bytes())?))
                }
            }
        };
        read().map_err(|error| {
            Error::model(format!("cannot be read: {error}"))
                .path(&self.path)
                .place(format!("tensor {name}"))
                .hint("the file is cut short or damaged; fetch it again")
                .source(error)
        })
    }

    /// Whether two names stand for the same numbers in the file, as PyTorch stores tensors that are shared.
    fn is_same_storage(&self, name: &str, other: &str) -> bool {
        match &self.tensors {
            FileTensors::Safetensors(_) => name == other,
            FileTensors::Pickle(tensors) => tensors.find_tensor(name) == tensors.find_tensor(other),
        }
    }
}

fn is_safetensors(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "safetensors")
}

/// Lists the files of weights in a directory. The first that exists is used: `model.safetensors`, its shards,
/// `pytorch_model.bin`, its shards.
///
/// # Errors
/// Fails with an error of kind `Model` if there are no weights, or a shard is missing.
pub(in crate::model) fn list_weight_files(directory: &Path) -> Result<Vec<PathBuf>> {
    for (whole, index) in [
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ] {
        let path = directory.join(whole);
        if path.exists() {
            return Ok(vec![path]);
        }
        let index = directory.join(index);
        if index.exists() {
            return read_shard_index(directory, &index);
        }
    }
    Err(Error::model("holds no weights")
        .path(directory)
        .hint("model.safetensors or pytorch_model.bin is expected, or their shards with an index"))
}

/// Lists the shards that an index file (`*.index.json`) names.
fn read_shard_index(directory: &Path, index: &Path) -> Result<Vec<PathBuf>> {
    let damaged = |what: String| Error::model(what).path(index).hint("fetch the file again");
    let text = std::fs::read(index).map_err(|error| damaged(format!("cannot be read: {error}")).source(error))?;
    let parsed: Value = serde_json::from_slice(&text).map_err(|error| {
        damaged("is not JSON".to_owned())
            .place(format!("line {}", error.line()))
            .source(error)
    })?;
    let map = parsed["weight_map"].as_object().filter(|map| !map.is_empty());
    let map =
        map.ok_or_else(|| damaged("missing; a file for each tensor is expected".to_owned()).place("key weight_map"))?;
    let name = |(tensor, file): (_, &Value)| match file.as_str() {
        Some(name) if crate::file::is_safe_relative_path(name) => Ok(name.to_owned()),
        Some(name) => Err((tensor, format!("`{name}` is outside the directory"))),
        None => Err((tensor, format!("`{file}` is not a file's name"))),
    };
    let names = map.iter().map(name).collect::<Result<Vec<_>, (&String, String)>>();
    let mut names = names.map_err(|(tensor, what)| damaged(what).place(format!("key weight_map.{tensor}")))?;
    names.sort_unstable();
    names.dedup();
    let mut files = Vec::new();
    for name in names {
        let path = directory.join(name);
        if !path.exists() {
            return Err(Error::model("a shard of the weights is missing")
                .path(path)
                .hint("fetch the model again"));
        }
        files.push(path);
    }
    Ok(files)
}

/// Formats a tensor's shape for error messages, such as `512 by 64`.
fn format_shape(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    if sizes.is_empty() {
        "a single value".to_owned()
    } else {
        sizes.join(" by ")
    }
}

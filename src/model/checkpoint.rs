//! Weights in a Hub repository's layout: safetensors or PyTorch's pickle, whole or in shards.

use crate::error::{Error, Result};
use crate::model::with_slice;
use candle_core::pickle::PthTensors;
use candle_core::safetensors::{Load, MmapedSafetensors};
use candle_core::{DType, Device, Tensor};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The weights of one directory, read tensor by tensor as they are asked for.
pub(super) struct Checkpoint {
    directory: PathBuf,
    parts: Vec<Part>,
    /// Which part holds a tensor.
    places: HashMap<String, usize>,
}

struct Part {
    path: PathBuf,
    tensors: Tensors,
}

enum Tensors {
    Safetensors(MmapedSafetensors),
    Pickle(PthTensors),
}

impl Checkpoint {
    /// Opens a directory's weights: `model.safetensors`, its shards, `pytorch_model.bin`, or its shards, in that order.
    ///
    /// # Errors
    /// Of kind `Model`: no weights, a shard that is not there, or a file that is damaged, with its path.
    pub fn open(directory: &Path) -> Result<Self> {
        let mut parts = Vec::new();
        let mut places = HashMap::new();
        for path in weight_files(directory)? {
            let part = Part::open(path)?;
            for name in part.names() {
                places.insert(name, parts.len());
            }
            parts.push(part);
        }
        Ok(Self {
            directory: directory.to_owned(),
            parts,
            places,
        })
    }

    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The first dimension of a tensor, if it is there and can be read.
    pub fn rows(&self, name: &str) -> Option<usize> {
        let part = &self.parts[*self.places.get(name)?];
        match &part.tensors {
            Tensors::Safetensors(tensors) => tensors.get(name).ok()?.shape().first().copied(),
            Tensors::Pickle(tensors) => tensors.tensor_infos().get(name)?.layout.dims().first().copied(),
        }
    }

    /// A tensor in float32, row by row, whatever type it is stored in; it must have this shape.
    ///
    /// # Errors
    /// Of kind `Model`, with the file and the tensor: not there, of another shape or type, or cut short.
    pub fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some(part) = self.places.get(name).map(|index| &self.parts[*index]) else {
            let path = match self.parts.as_slice() {
                [part] => &part.path,
                _ => &self.directory,
            };
            return Err(Error::model(format!("missing; {} expected", shown(shape)))
                .path(path)
                .place(format!("tensor {name}"))
                .hint("the weights do not fit config.json, or the file is not whole"));
        };
        let fail = |error: candle_core::Error| {
            let text = error.to_string();
            Error::model(format!("cannot be read: {}", text.lines().next().unwrap_or_default()))
                .path(&part.path)
                .place(format!("tensor {name}"))
                .hint("the file is cut short or damaged; fetch it again")
                .source(error)
        };
        let tensor = part.tensor(name).map_err(fail)?;
        if tensor.dims() != shape {
            return Err(
                Error::model(format!("is {}, {} expected", shown(tensor.dims()), shown(shape)))
                    .path(&part.path)
                    .place(format!("tensor {name}"))
                    .hint("config.json and the weights are not of one model"),
            );
        }
        let tensor = tensor
            .to_dtype(DType::F32)
            .and_then(|tensor| tensor.contiguous())
            .map_err(fail)?;
        with_slice(&tensor, <[f32]>::to_vec).map_err(fail)
    }
}

impl Part {
    fn open(path: PathBuf) -> Result<Self> {
        let fail = |what: &str, error: candle_core::Error| {
            let text = error.to_string();
            Error::model(format!("{what}: {}", text.lines().next().unwrap_or_default()))
                .path(&path)
                .hint("the file is cut short or damaged; fetch it again")
                .source(error)
        };
        let empty = std::fs::metadata(&path).map(|file| file.len() == 0);
        match empty {
            Err(error) => {
                return Err(Error::model(format!("cannot open the weights: {error}"))
                    .path(&path)
                    .source(error));
            }
            Ok(true) => return Err(Error::model("the file is empty").path(&path).hint("fetch it again")),
            Ok(false) => {}
        }
        let tensors = if path.extension().is_some_and(|extension| extension == "safetensors") {
            // SAFETY: the map is read only; a file cut short under a running process is outside what can be guarded.
            let opened = unsafe { MmapedSafetensors::multi(&[&path]) };
            Tensors::Safetensors(opened.map_err(|error| fail("not a whole safetensors file", error))?)
        } else {
            let opened = PthTensors::new(&path, None);
            Tensors::Pickle(opened.map_err(|error| fail("not a PyTorch file of the zip kind", error))?)
        };
        Ok(Self { path, tensors })
    }

    fn names(&self) -> Vec<String> {
        match &self.tensors {
            Tensors::Safetensors(tensors) => tensors.tensors().into_iter().map(|(name, _)| name).collect(),
            Tensors::Pickle(tensors) => tensors.tensor_infos().keys().cloned().collect(),
        }
    }

    fn tensor(&self, name: &str) -> candle_core::Result<Tensor> {
        match &self.tensors {
            Tensors::Safetensors(tensors) => tensors.get(name)?.load(&Device::Cpu),
            Tensors::Pickle(tensors) => tensors
                .get(name)?
                .ok_or_else(|| candle_core::Error::Msg("no such tensor".into())),
        }
    }
}

/// The files with a directory's weights.
pub(super) fn weight_files(directory: &Path) -> Result<Vec<PathBuf>> {
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
            return shards(directory, &index);
        }
    }
    Err(Error::model("holds no weights")
        .path(directory)
        .hint("model.safetensors or pytorch_model.bin is expected, or their shards with an index"))
}

/// The files that an index names.
fn shards(directory: &Path, index: &Path) -> Result<Vec<PathBuf>> {
    let damaged = |what: &str| {
        Error::model(what.to_owned())
            .path(index)
            .place("weight_map")
            .hint("fetch the file again")
    };
    let text = std::fs::read(index).map_err(|error| damaged(&format!("cannot be read: {error}")).source(error))?;
    let parsed: Value = serde_json::from_slice(&text).map_err(|error| damaged("is not JSON").source(error))?;
    let map = parsed["weight_map"]
        .as_object()
        .ok_or_else(|| damaged("is missing, or not a table"))?;
    let mut names: Vec<&str> = map.values().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let mut files = Vec::new();
    for name in names {
        if !crate::model::manifest::is_inside(name) {
            return Err(damaged("names a file outside the directory"));
        }
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

/// A shape, such as `512 by 64`.
fn shown(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    match sizes.is_empty() {
        true => "a single value".to_owned(),
        false => sizes.join(" by "),
    }
}

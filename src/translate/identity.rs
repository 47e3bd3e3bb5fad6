//! What a translation depends on besides its source: the name under which a memory keeps it.

use super::{DecodeOptions, Translator};
use crate::catalog::{Located, Manifest};
use crate::document::{Format, Header, Parameters, SCHEMA};
use crate::error::{Error, Result};
use crate::file::hexadecimal;
use crate::file::io_phrase;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Version of all between a source and its translation but the model: normalisation, prompts, tokenizers, search, repair.
/// Raised whenever one of them changes what a sentence becomes, so that memories forget what was made before.
const PROCESSING: u32 = 2;

/// What of a model's files a fingerprint reads: all that decides its output, and nothing that plae leaves there.
const EXTENSIONS: [&str; 7] = ["json", "spm", "model", "safetensors", "gguf", "txt", "jinja"];
/// A file up to this size is read whole; of a larger one, the first [`SAMPLE`] bytes of every [`STRIDE`].
const WHOLE: u64 = 16 << 20;
const STRIDE: u64 = 256 << 10;
const SAMPLE: u64 = 4 << 10;

/// Which model this is, by its revision where it was fetched, else by its files; and how its manifest wants it used.
///
/// # Errors
/// Of kind `Model`, where a file cannot be read.
pub fn identity(located: &Located) -> Result<String> {
    of(&located.manifest, &located.path, located.revision.as_deref())
}

fn of(manifest: &Manifest, path: &Path, revision: Option<&str>) -> Result<String> {
    let revision = match revision {
        Some(revision) => revision.to_owned(),
        None => fingerprint(path)?,
    };
    let manner = format!("{:?} {:?} {:?}", manifest.prompt, manifest.languages, manifest.decoding);
    let manner = hexadecimal(&Sha256::digest(manner));
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!("{} {revision} {manner} {version}.{PROCESSING}", manifest.name))
}

/// A hash of a model's files: names, sizes, and of large files a part of each quarter of a mebibyte, so that it takes
/// a fraction of the time of loading them.
fn fingerprint(path: &Path) -> Result<String> {
    let failed = |path: &Path, error: std::io::Error| Error::model(io_phrase(&error)).path(path).source(error);
    let mut files: Vec<PathBuf> = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(|error| failed(path, error))? {
            let file = entry.map_err(|error| failed(path, error))?.path();
            let extension = file.extension().and_then(|extension| extension.to_str());
            let name = file.file_name().unwrap_or_default();
            let is_weights = extension == Some("bin") && name.to_string_lossy().starts_with("pytorch_model");
            if file.is_file() && (is_weights || extension.is_some_and(|extension| EXTENSIONS.contains(&extension))) {
                files.push(file);
            }
        }
        files.sort();
    } else {
        files.push(path.to_path_buf());
    }
    let mut hash = Sha256::new();
    for file in files {
        let mut read = || -> std::io::Result<()> {
            let mut bytes = File::open(&file)?;
            let size = bytes.metadata()?.len();
            // The name of a single file says nothing of what it holds.
            if path.is_dir() {
                hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
            }
            hash.update(size.to_le_bytes());
            let (stride, sample) = if size <= WHOLE {
                (size.max(1), size)
            } else {
                (STRIDE, SAMPLE)
            };
            let mut buffer = Vec::new();
            for start in (0..size).step_by(stride as usize) {
                bytes.seek(SeekFrom::Start(start))?;
                buffer.clear();
                (&mut bytes).take(sample).read_to_end(&mut buffer)?;
                hash.update(&buffer);
            }
            Ok(())
        };
        read().map_err(|error| failed(&file, error))?;
    }
    Ok(hexadecimal(&hash.finalize()))
}

impl Translator {
    /// All that a translation by this model with these options depends on besides its source, as one line.
    ///
    /// The device is not part of it: what one computes, another may reuse.
    ///
    /// # Errors
    /// Those of [`identity`].
    pub fn system(&self, options: &DecodeOptions) -> Result<String> {
        let mut header = Header {
            schema: SCHEMA,
            tool: String::new(),
            version: String::new(),
            model: String::new(),
            revision: None,
            licence: None,
            file: None,
            format: Format::Text,
            encoding: String::new(),
            sha256: String::new(),
            date: String::new(),
            parameters: Parameters::default(),
            segments: 0,
            tail: String::new(),
        };
        self.describe(options, &mut header);
        header.parameters.device.clear();
        let parameters = serde_json::to_string(&header.parameters).unwrap_or_default();
        let identity = match self.identity.get() {
            Some(identity) => identity,
            None => {
                let found = of(&self.manifest, &self.path, self.revision.as_deref())?;
                self.identity.get_or_init(|| found)
            }
        };
        Ok(format!("{identity} {parameters}"))
    }
}

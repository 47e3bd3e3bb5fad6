//! Weights in CTranslate2's format: one `model.bin`, whose variables are read from a memory map.
//!
//! The file holds the version (u32, little-endian), the name of the specification, its revision (u32), the number of
//! variables (u32), each variable, and the aliases of variables. A text is its length (u16), its bytes and a zero
//! (CTranslate2 4.8.5, `python/ctranslate2/specs/model_spec.py`, `ModelSpec._serialize`).

#![allow(unsafe_code)]

use super::ct2_names::VariablePart;
use super::source::{MatrixRequest, WeightSource};
use crate::error::{Error, Result};
use crate::model::cpu::matrix::{ActivationPrecision, Matrix};
use half::{bf16, f16};
use memmap2::Mmap;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the file with the weights, in the model's directory.
pub(crate) const CT2_FILE_NAME: &str = "model.bin";
/// The specification of encoder-decoder transformers, the only one that is read.
const SPEC_NAME: &str = "TransformerSpec";
/// Versions of the file format that are read: since version 4, each variable has the number of its type.
const FILE_VERSIONS: std::ops::RangeInclusive<u32> = 5..=6;
/// Revisions of [`SPEC_NAME`] that are read. Before revision 5, encoder and decoder share their settings.
const SPEC_REVISIONS: std::ops::RangeInclusive<u32> = 3..=7;
/// The most dimensions of a variable: transformers have matrices at most, and convolutions three.
const MOST_DIMENSIONS: u8 = 4;
/// The factor on 16-bit weights of old files that store none (`ops::Quantize::global_int16_scale`).
const DEFAULT_INT16_SCALE: f32 = 1000.0;

/// The number type of a variable, in the order of CTranslate2's `DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberType {
    F32,
    I8,
    I16,
    I32,
    F16,
    Bf16,
}

impl NumberType {
    /// Finds the type with the number that files give it.
    fn from_number(number: u8) -> Option<Self> {
        let types = [Self::F32, Self::I8, Self::I16, Self::I32, Self::F16, Self::Bf16];
        types.get(usize::from(number)).copied()
    }

    fn size_bytes(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
        }
    }

    /// Converts little-endian numbers of this type to float32.
    fn convert_to_f32(self, bytes: &[u8]) -> Vec<f32> {
        fn convert_each<const N: usize>(bytes: &[u8], widen: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|number| widen(*number)).collect()
        }
        match self {
            Self::F32 => convert_each(bytes, f32::from_le_bytes),
            Self::I8 => convert_each(bytes, |number| f32::from(i8::from_le_bytes(number))),
            Self::I16 => convert_each(bytes, |number| f32::from(i16::from_le_bytes(number))),
            Self::I32 => convert_each(bytes, |number| i32::from_le_bytes(number) as f32),
            Self::F16 => convert_each(bytes, |number| f16::from_le_bytes(number).to_f32()),
            Self::Bf16 => convert_each(bytes, |number| bf16::from_le_bytes(number).to_f32()),
        }
    }
}

/// One variable of the file: its type, its shape, and where its numbers are.
#[derive(Clone, Debug, PartialEq)]
struct Variable {
    kind: NumberType,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

/// A [`WeightSource`] that reads the variables of a `model.bin` by the names that BART's checkpoints give them.
pub(in crate::model) struct Ct2Weights {
    path: PathBuf,
    map: Mmap,
    variables: BTreeMap<String, Variable>,
    /// The variable that each alias stands for.
    aliases: BTreeMap<String, String>,
    /// The variables that were asked for.
    read: RefCell<BTreeSet<String>>,
}

impl Ct2Weights {
    /// Opens the `model.bin` in a directory, and reads where its variables are.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` that names the file and the variable, if the file is damaged, or is not an
    /// encoder-decoder's.
    pub fn open(directory: &Path) -> Result<Self> {
        let path = directory.join(CT2_FILE_NAME);
        let unreadable = |error: std::io::Error| {
            Error::model(format!("cannot be read: {error}"))
                .path(&path)
                .source(error)
        };
        let file = File::open(&path).map_err(unreadable)?;
        // SAFETY: the map is read only; a file that another program cuts short under a running process is outside what
        // can be guarded.
        let map = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
        let mut reader = FileReader {
            bytes: &map,
            at: 0,
            variable: String::new(),
        };
        let read = reader.read_file();
        let (variables, aliases) = read.map_err(|error| {
            let error = if reader.variable.is_empty() {
                error
            } else {
                error.place(format!("variable {}", printable(&reader.variable)))
            };
            error
                .path(&path)
                .hint("the file is damaged or not whole; fetch it again")
        })?;
        Ok(Self {
            path,
            map,
            variables,
            aliases,
            read: RefCell::default(),
        })
    }

    /// Makes an error about a variable.
    pub fn variable_error(&self, name: &str, message: impl Into<String>) -> Error {
        Error::model(message)
            .path(&self.path)
            .place(format!("variable {}", printable(name)))
            .hint(
                "the file is damaged, or not of a model that plae computes; take the model that it was converted from",
            )
    }

    /// Finds a variable by its own name or by an alias, and notes that it was read.
    fn variable(&self, name: &str) -> Option<(&str, &Variable)> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        let (name, variable) = self.variables.get_key_value(name)?;
        self.read.borrow_mut().insert(name.clone());
        Some((name, variable))
    }

    /// Whether there is a variable of this name or alias.
    pub fn has_variable(&self, name: &str) -> bool {
        self.variable(name).is_some()
    }

    /// Gives the shape of a variable; none if it is missing.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.variable(name).map(|(_, variable)| variable.shape.as_slice())
    }

    /// Whether a variable is of 8-bit integers.
    pub fn is_int8(&self, name: &str) -> bool {
        self.variable(name)
            .is_some_and(|(_, variable)| variable.kind == NumberType::I8)
    }

    /// Whether two names stand for one variable.
    pub fn is_same(&self, name: &str, other: &str) -> bool {
        let find = |name| self.variable(name).map(|(name, _)| name);
        find(name).is_some() && find(name) == find(other)
    }

    /// Reads a variable that is a single number; none if it is missing.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the variable's name, if it is not one finite number.
    pub fn scalar(&self, name: &str) -> Result<Option<Scalar>> {
        let Some((name, variable)) = self.variable(name) else {
            return Ok(None);
        };
        let values = variable.kind.convert_to_f32(&self.map[variable.bytes.clone()]);
        match values.as_slice() {
            [value] if value.is_finite() => Ok(Some(Scalar {
                value: *value,
                is_flag: variable.kind == NumberType::I8,
            })),
            _ => Err(self.variable_error(name, "is not one number")),
        }
    }

    /// Lists the variables that nobody asked for.
    pub fn unread_variables(&self) -> Vec<String> {
        let read = self.read.borrow();
        let names = self.variables.keys().filter(|name| !read.contains(*name));
        names.cloned().collect()
    }

    /// Gives the place of one part of a variable, of this shape: its type, and its bytes.
    fn find_part(&self, part: &VariablePart, shape: &[usize]) -> Result<(&str, &Variable, Range<usize>)> {
        let Some((name, variable)) = self.variable(&part.name) else {
            let message = format!("missing; {shape:?} expected");
            return Err(self.variable_error(&part.name, message));
        };
        let mut whole = shape.to_vec();
        if let Some(rows) = whole.first_mut() {
            *rows = rows.saturating_mul(part.count);
        }
        // The bias of the logits is a row in BART's checkpoints.
        let is_row = whole.first() == Some(&1) && whole[1..] == variable.shape;
        if variable.shape != whole && !is_row {
            let message = format!("is {:?}, {whole:?} expected", variable.shape);
            return Err(self.variable_error(name, message));
        }
        let Range { start, end } = variable.bytes;
        let length = (end - start) / part.count;
        let start = start + length * part.index;
        Ok((name, variable, start..start + length))
    }

    /// Reads the factors on the integers of a variable: one for each of its rows, or one for all.
    fn read_scales(&self, name: &str, variable: &Variable) -> Result<Vec<f32>> {
        let rows = variable.shape.first().copied().unwrap_or(1);
        let scale_name = format!("{name}_scale");
        let Some((_, scales)) = self.variable(&scale_name) else {
            if variable.kind == NumberType::I16 {
                return Ok(vec![DEFAULT_INT16_SCALE]);
            }
            return Err(self.variable_error(&scale_name, format!("missing; {rows} factors expected")));
        };
        let is_float = !matches!(scales.kind, NumberType::I8 | NumberType::I16 | NumberType::I32);
        let values = scales.kind.convert_to_f32(&self.map[scales.bytes.clone()]);
        let is_sound = |scale: &f32| scale.is_finite() && *scale > 0.0;
        if !is_float || ![1, rows].contains(&values.len()) || !values.iter().all(is_sound) {
            return Err(self.variable_error(&scale_name, format!("is not a positive factor for each of {rows} rows")));
        }
        Ok(values)
    }
}

/// A variable that is a single number.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Scalar {
    pub value: f32,
    /// Whether it is stored as one byte, as flags are.
    pub is_flag: bool,
}

impl WeightSource for Ct2Weights {
    fn has_tensor(&self, name: &str) -> bool {
        VariablePart::from_tensor_name(name).is_some_and(|part| self.has_variable(&part.name))
    }

    fn tensor_row_count(&self, name: &str) -> Option<usize> {
        let part = VariablePart::from_tensor_name(name)?;
        let rows = self.shape(&part.name)?.first()?;
        Some(rows / part.count)
    }

    fn has_different_tensor(&self, name: &str, other: &str) -> Result<bool> {
        let find = |name: &str| VariablePart::from_tensor_name(name).filter(|part| self.has_variable(&part.name));
        Ok(match (find(name), find(other)) {
            (Some(one), Some(two)) => !self.is_same(&one.name, &two.name),
            (one, _) => one.is_some() && name != other,
        })
    }

    fn read_floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let part = VariablePart::from_tensor_name(name).unwrap_or_else(|| VariablePart::whole(name));
        let (name, variable, bytes) = self.find_part(&part, shape)?;
        let mut values = variable.kind.convert_to_f32(&self.map[bytes]);
        if matches!(variable.kind, NumberType::I8 | NumberType::I16) {
            let scales = self.read_scales(name, variable)?;
            let rows = shape.first().copied().unwrap_or(1).max(1);
            let columns = values.len() / rows;
            for (row, values) in values.chunks_exact_mut(columns.max(1)).enumerate() {
                let scale = scales.get(part.index * rows + row).unwrap_or(&scales[0]);
                values.iter_mut().for_each(|value| *value /= scale);
            }
        }
        match values.iter().find(|value| !value.is_finite()) {
            None => Ok(values),
            Some(value) => Err(self.variable_error(name, format!("has the weight {value}"))),
        }
    }

    fn read_quantized(&self, wanted: MatrixRequest, activations: ActivationPrecision) -> Result<Option<Arc<Matrix>>> {
        let mut parts = Vec::new();
        for name in wanted.names {
            let part = VariablePart::from_tensor_name(name).unwrap_or_else(|| VariablePart::whole(name));
            let (name, variable, bytes) = self.find_part(&part, &[wanted.rows, wanted.columns])?;
            if variable.kind != NumberType::I8 {
                return Ok(None);
            }
            let scales = self.read_scales(name, variable)?;
            let first = part.index * wanted.rows;
            parts.push((&self.map[bytes], scales, first));
        }
        let row = |row: usize| {
            let (bytes, scales, first) = &parts[row / wanted.rows];
            let row = row % wanted.rows;
            let scale = scales.get(first + row).unwrap_or(&scales[0]);
            (&bytes[row * wanted.columns..][..wanted.columns], scale.recip())
        };
        let matrix = Matrix::from_int8_row_scales(wanted.stacked_row_count(), wanted.columns, activations, row);
        Ok(Some(Arc::new(matrix.keep_rows(wanted.kept))))
    }
}

/// Reads a `model.bin` from front to back.
struct FileReader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Name of the variable that is being read, for errors; empty before the first.
    variable: String,
}

type VariablesAndAliases = (BTreeMap<String, Variable>, BTreeMap<String, String>);

impl FileReader<'_> {
    fn read_file(&mut self) -> Result<VariablesAndAliases> {
        let version = self.read_u32("version")?;
        if !FILE_VERSIONS.contains(&version) {
            return Err(Error::model(format!(
                "is not a CTranslate2 model of version 5 or 6, but begins with {version}"
            )));
        }
        let spec = self.read_text("name of the specification")?;
        if spec != SPEC_NAME {
            let message = format!(
                "holds a {}; of CTranslate2's models plae computes encoder-decoder transformers only ({SPEC_NAME})",
                printable(&spec)
            );
            return Err(Error::model(message).hint("take the model that it was converted from"));
        }
        let revision = self.read_u32("revision")?;
        if !SPEC_REVISIONS.contains(&revision) {
            return Err(Error::model(format!(
                "has revision {revision} of {spec}; 3 to 7 are known"
            )));
        }
        let mut variables = BTreeMap::new();
        for _ in 0..self.read_u32("number of variables")? {
            let name = self.read_text("name of a variable")?;
            self.variable.clone_from(&name);
            let variable = self.read_variable()?;
            if variables.insert(name, variable).is_some() {
                return Err(Error::model("is there twice"));
            }
        }
        self.variable.clear();
        let mut aliases = BTreeMap::new();
        for _ in 0..self.read_u32("number of aliases")? {
            let alias = self.read_text("alias")?;
            self.variable.clone_from(&alias);
            let name = self.read_text("variable of an alias")?;
            if !variables.contains_key(&name) {
                let message = format!("is an alias of {}, which is missing", printable(&name));
                return Err(Error::model(message));
            }
            if variables.contains_key(&alias) || aliases.insert(alias, name).is_some() {
                return Err(Error::model("is there twice"));
            }
        }
        Ok((variables, aliases))
    }

    /// Reads a variable after its name.
    fn read_variable(&mut self) -> Result<Variable> {
        let rank = self.take(1, "number of dimensions")?[0];
        if rank > MOST_DIMENSIONS {
            return Err(Error::model(format!("has {rank} dimensions")));
        }
        let mut shape = Vec::with_capacity(usize::from(rank));
        for _ in 0..rank {
            shape.push(self.read_u32("dimension")? as usize);
        }
        let number = self.take(1, "type")?[0];
        let kind = NumberType::from_number(number)
            .ok_or_else(|| Error::model(format!("has the number type {number}, which is not known")))?;
        let length = self.read_u32("size")? as usize;
        let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        if count.and_then(|count| count.checked_mul(kind.size_bytes())) != Some(length) {
            return Err(Error::model(format!("has {length} bytes for the shape {shape:?}")));
        }
        let start = self.at;
        self.take(length, "values")?;
        Ok(Variable {
            kind,
            shape,
            bytes: start..self.at,
        })
    }

    /// Takes the next `count` bytes; `what` they are is said in the error.
    fn take(&mut self, count: usize, what: &str) -> Result<&[u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| {
            let message = format!(
                "the file ends at {}, before the {what} ({count} bytes)",
                self.bytes.len()
            );
            Error::model(message)
        })?;
        self.at += count;
        Ok(taken)
    }

    fn read_u32(&mut self, what: &str) -> Result<u32> {
        let bytes = self.take(4, what)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn read_text(&mut self, what: &str) -> Result<String> {
        let length = self.take(2, what)?;
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        let bytes = self.take(length, what)?;
        let text = bytes.strip_suffix(&[0]).and_then(|text| std::str::from_utf8(text).ok());
        text.map(str::to_owned)
            .ok_or_else(|| Error::model(format!("the {what} is not a text that ends with a zero")))
    }
}

/// Gives a name of a file for an error message, without control characters and not longer than a line.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

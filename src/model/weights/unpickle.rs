//! Interprets the pickle of a PyTorch checkpoint as far as its tensors need (Python `pickletools`, PyTorch
//! `torch/_weights_only_unpickler.py`). No function that the pickle names is ever called.
//!
//! A forged pickle costs no more than its bytes: objects are shared, not copied, and what is nested deeper than any
//! tensor's description is not kept.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A pickled object, as far as tensors need it.
#[derive(Clone)]
pub(super) enum Object {
    Integer(i64),
    Text(Rc<str>),
    /// A class or function, by its module and name: `torch.FloatStorage`.
    Class(Rc<str>),
    Tuple(Rc<[Object]>, Depth),
    /// The call of a function with a tuple of arguments.
    Call(Rc<(Object, Object)>, Depth),
    /// An object outside the pickle, by a tuple that names it.
    Stored(Rc<Object>, Depth),
    /// A dictionary: the entries whose keys are texts, and whose values are calls.
    Dictionary(Rc<RefCell<Entries>>),
    /// Any other object.
    Other,
}

/// The entries of a dictionary.
type Entries = Vec<(Rc<str>, Object)>;

/// The number of levels on which an object is nested: 1 if its parts, if any, have no parts.
type Depth = u8;
/// The depth beyond which objects are not kept; a tensor's description has 5.
const MAX_DEPTH: Depth = 16;

impl Object {
    fn depth(&self) -> Depth {
        match self {
            Self::Tuple(_, depth) | Self::Call(_, depth) | Self::Stored(_, depth) => *depth,
            _ => 0,
        }
    }

    /// Makes an object that holds others, unless it is nested too deep.
    fn nested(deepest_part: Depth, make: impl FnOnce(Depth) -> Self) -> Self {
        if deepest_part < MAX_DEPTH {
            make(deepest_part + 1)
        } else {
            Self::Other
        }
    }

    fn tuple(parts: Vec<Self>) -> Self {
        let deepest = parts.iter().map(Self::depth).max().unwrap_or(0);
        Self::nested(deepest, |depth| Self::Tuple(parts.into(), depth))
    }
}

/// Gives the entries of the dictionary that a pickle holds: those whose keys are texts and whose values are calls of
/// functions. Empty for a pickle of anything else.
///
/// # Errors
/// Fails if the pickle is cut short, or has an instruction that checkpoints do not have.
pub(super) fn read_dictionary(pickle: &[u8]) -> Result<Entries, String> {
    let mut machine = Machine {
        bytes: pickle,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    while machine.step()? {}
    match machine.pop()? {
        Object::Dictionary(entries) => Ok(entries.take()),
        _ => Ok(Vec::new()),
    }
}

/// The machine that a pickle is a program of.
struct Machine<'a> {
    /// The instructions that are still to be read.
    bytes: &'a [u8],
    stack: Vec<Object>,
    /// The heights of the stack that the program has marked.
    marks: Vec<usize>,
    memo: HashMap<u32, Object>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or("the pickle is cut short")?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    /// Reads a text or bytes after a length of `N` bytes.
    fn counted<const N: usize>(&mut self) -> Result<&'a [u8], String> {
        let mut length = [0; 8];
        length[..N].copy_from_slice(&self.array::<N>()?);
        self.take(usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<&'a [u8], String> {
        let end = self
            .bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or("the pickle is cut short")?;
        let line = self.take(end + 1)?;
        Ok(line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]))
    }

    fn pop(&mut self) -> Result<Object, String> {
        // Nothing is taken from below the last mark.
        let floor = self.marks.last().copied().unwrap_or(0);
        let object = if self.stack.len() > floor {
            self.stack.pop()
        } else {
            None
        };
        object.ok_or_else(|| "the pickle takes more than it has put".to_owned())
    }

    fn pop_marked(&mut self) -> Result<Vec<Object>, String> {
        let mark = self.marks.pop().ok_or("the pickle has no mark to go back to")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn pop_tuple(&mut self, length: usize) -> Result<Object, String> {
        let mut parts = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        parts.reverse();
        Ok(Object::tuple(parts))
    }

    fn push_text(&mut self, bytes: &[u8]) {
        self.stack.push(Object::Text(String::from_utf8_lossy(bytes).into()));
    }

    fn call(&mut self) -> Result<Object, String> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        if let Object::Class(name) = &callable
            && matches!(&**name, "collections.OrderedDict" | "collections.defaultdict")
        {
            return Ok(Object::Dictionary(Rc::default()));
        }
        let deepest = callable.depth().max(arguments.depth());
        Ok(Object::nested(deepest, |depth| {
            Object::Call(Rc::new((callable, arguments)), depth)
        }))
    }

    /// Puts keys and values, which alternate, into the dictionary on top of the stack.
    fn set_items(&mut self, items: &[Object]) -> Result<(), String> {
        let target = self.pop()?;
        if let Object::Dictionary(entries) = &target {
            for pair in items.as_chunks::<2>().0 {
                if let [Object::Text(key), value @ Object::Call(..)] = pair {
                    entries.borrow_mut().push((key.clone(), value.clone()));
                }
            }
        }
        self.stack.push(target);
        Ok(())
    }

    fn memorise(&mut self, number: u32) -> Result<(), String> {
        let object = self.pop()?;
        self.memo.insert(number, object.clone());
        self.stack.push(object);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<(), String> {
        let object = self
            .memo
            .get(&number)
            .ok_or("the pickle recalls what it has not stored")?;
        self.stack.push(object.clone());
        Ok(())
    }

    /// Carries out one instruction; false after the last.
    fn step(&mut self) -> Result<bool, String> {
        let [code] = self.array()?;
        match code {
            b'.' => return Ok(false),
            // PROTO and FRAME.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'N' | 0x88 | 0x89 | b']' | 0x8f => self.stack.push(Object::Other),
            b'}' => self.stack.push(Object::Dictionary(Rc::default())),
            b')' => self.stack.push(Object::tuple(Vec::new())),
            b'K' | b'M' | b'J' | b'G' | b'X' | b'C' | b'U' | b'B' | b'T' | 0x8a | 0x8c | 0x8d => {
                self.push_literal(code)?
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                let name = format!("{}.{}", String::from_utf8_lossy(module), String::from_utf8_lossy(name));
                self.stack.push(Object::Class(name.into()));
            }
            0x93 => {
                let name = match (self.pop()?, self.pop()?) {
                    (Object::Text(name), Object::Text(module)) => Object::Class(format!("{module}.{name}").into()),
                    _ => Object::Other,
                };
                self.stack.push(name);
            }
            b't' => {
                let parts = self.pop_marked()?;
                self.stack.push(Object::tuple(parts));
            }
            0x85..=0x87 => {
                let tuple = self.pop_tuple(usize::from(code - 0x84))?;
                self.stack.push(tuple);
            }
            b'Q' => {
                let name = self.pop()?;
                self.stack.push(Object::nested(name.depth(), |depth| {
                    Object::Stored(Rc::new(name), depth)
                }));
            }
            // REDUCE and NEWOBJ.
            b'R' | 0x81 => {
                let made = self.call()?;
                self.stack.push(made);
            }
            // BUILD: the state of an object is no tensor.
            b'b' | b'a' => drop(self.pop()?),
            b'e' | 0x90 => drop(self.pop_marked()?),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_marked()?;
                self.set_items(&items)?;
            }
            b'd' => {
                let items = self.pop_marked()?;
                self.stack.push(Object::Dictionary(Rc::default()));
                self.set_items(&items)?;
            }
            b'q' | b'r' | b'h' | b'j' | 0x94 => self.use_memo(code)?,
            _ => return Err(unknown_instruction(code)),
        }
        Ok(true)
    }

    /// Pushes the number, text or bytes that follow the instruction `code`.
    fn push_literal(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'K' => {
                let [number] = self.array()?;
                self.stack.push(Object::Integer(number.into()));
            }
            b'M' => {
                let number = u16::from_le_bytes(self.array()?);
                self.stack.push(Object::Integer(number.into()));
            }
            b'J' => {
                let number = i32::from_le_bytes(self.array()?);
                self.stack.push(Object::Integer(number.into()));
            }
            0x8a => {
                let bytes = self.counted::<1>()?;
                let mut wide = [if bytes.last().is_some_and(|last| last & 0x80 != 0) {
                    0xff
                } else {
                    0
                }; 8];
                let fits = bytes.len() <= 8;
                wide[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
                self.stack.push(if fits {
                    Object::Integer(i64::from_le_bytes(wide))
                } else {
                    Object::Other
                });
            }
            b'G' => {
                self.take(8)?;
                self.stack.push(Object::Other);
            }
            b'X' => {
                let text = self.counted::<4>()?;
                self.push_text(text);
            }
            0x8c => {
                let text = self.counted::<1>()?;
                self.push_text(text);
            }
            0x8d => {
                let text = self.counted::<8>()?;
                self.push_text(text);
            }
            // Bytes and, from Python 2, strings.
            b'C' | b'U' => {
                self.counted::<1>()?;
                self.stack.push(Object::Other);
            }
            b'B' | b'T' => {
                self.counted::<4>()?;
                self.stack.push(Object::Other);
            }
            _ => return Err(unknown_instruction(code)),
        }
        Ok(())
    }

    /// Stores the top of the stack in the memo, or pushes what the memo holds, as the instruction `code` says.
    fn use_memo(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'q' => {
                let [number] = self.array()?;
                self.memorise(number.into())?;
            }
            b'r' => {
                let number = u32::from_le_bytes(self.array()?);
                self.memorise(number)?;
            }
            0x94 => self.memorise(u32::try_from(self.memo.len()).unwrap_or(u32::MAX))?,
            b'h' => {
                let [number] = self.array()?;
                self.recall(number.into())?;
            }
            b'j' => {
                let number = u32::from_le_bytes(self.array()?);
                self.recall(number)?;
            }
            _ => return Err(unknown_instruction(code)),
        }
        Ok(())
    }
}

fn unknown_instruction(code: u8) -> String {
    format!("the pickle has the instruction {code:#04x}, which is not known")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A tuple that holds itself twice, of what was stored before, again and again.
    fn doublings(count: usize) -> Vec<u8> {
        let mut pickle = b"\x80\x02)q\x00".to_vec();
        for _ in 0..count {
            pickle.extend(b"0h\x00h\x00\x86q\x00");
        }
        pickle.push(b'.');
        pickle
    }

    #[test]
    fn nested_tuples_and_doublings_cost_no_more_than_their_bytes() {
        for pickle in [
            doublings(100_000),
            [b"\x80\x02)".to_vec(), b"\x85".repeat(1_000_000), b".".to_vec()].concat(),
            [b"\x80\x02N".to_vec(), b"Q".repeat(1_000_000), b".".to_vec()].concat(),
            [b"(".repeat(1_000_000), b"t".repeat(1_000_000), b".".to_vec()].concat(),
            [b"]".repeat(1_000_000), b"a".repeat(999_999), b".".to_vec()].concat(),
            // Dictionaries that are set into and built on themselves.
            [
                b"}q\x00".to_vec(),
                b"h\x00bX\x01\0\0\0ah\x00s".repeat(100_000),
                b".".to_vec(),
            ]
            .concat(),
        ] {
            assert!(read_dictionary(&pickle).expect("a pickle").is_empty());
        }
    }

    #[test]
    fn a_cut_or_unknown_pickle_is_an_error() {
        for (pickle, message) in [
            (&b""[..], "cut short"),
            (b"\x80\x02X\xff\xff\xff\xffabc", "cut short"),
            (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "cut short"),
            (b"ctorch", "cut short"),
            (b".", "takes more"),
            (b"(NR.", "takes more"),
            (b"t.", "no mark"),
            (b"h\x07.", "not stored"),
            (b"\xfe.", "0xfe"),
        ] {
            let error = read_dictionary(pickle).err().expect(message);
            assert!(error.contains(message), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_pickle_panics(pickle in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_dictionary(&pickle);
        }
    }
}

//! What stands around each source: the prompt of a decoder-only model, the language tokens of an encoder-decoder.

use crate::catalog::manifest::Prompt;
use crate::error::Result;
use crate::tokenizer::Tokenizer;

/// What texts begin with, one of each kind that tokenizers tell apart.
const BEGINNINGS: [&str; 6] = ["ก", "a", "1", "๑", "(", "“"];

/// With how many ids both begin.
fn same(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// What stands around each source, ready for one model and one call.
pub struct Prompter {
    /// By the length of sources; the last is for the longest.
    frames: Vec<Frame>,
    /// The id before everything: a begin token, or the language of the source.
    first: Option<u32>,
    /// The id after everything: the end of an encoder's source.
    last: Option<u32>,
    stop: Vec<u32>,
    stop_texts: Vec<String>,
}

/// What stands around sources of one range of lengths.
struct Frame {
    /// What they have fewer characters than.
    below: usize,
    before: String,
    after: String,
    /// Ids of the first and of `before`.
    head: Vec<u32>,
    /// How many of these can be computed once for all sources: those that do not merge with what a text begins with.
    shared: usize,
    /// Tokens of `after` and of the last.
    tail: usize,
}

/// A source as the model is given it.
pub struct Encoded {
    pub ids: Vec<u32>,
    /// How many of these the text alone has.
    pub tokens: usize,
    /// How many of the ids are a fixed beginning that is computed once; always less than all.
    pub shared: usize,
}

impl Prompter {
    /// The model's prompt, or `replaced` in place of its request.
    ///
    /// # Errors
    /// Of kind `Usage` where `replaced` does not hold `{text}` exactly once.
    pub fn new(prompt: &Prompt, replaced: Option<&str>, tokenizer: &Tokenizer) -> Result<Self> {
        let first = tokenizer.bos_id().filter(|_| prompt.add_bos);
        let ids = |text: &str| -> Vec<u32> { first.into_iter().chain(tokenizer.encode(text)).collect() };
        let frame = |(below, request): (usize, &str)| {
            let (before, after) = prompt.around(request)?;
            let head = ids(&before);
            // Were it as many as each text leaves, other texts would have it computed anew.
            let starts = BEGINNINGS.map(|text| same(&ids(&format!("{before}{text}")), &head));
            Ok(Frame {
                below,
                shared: starts.into_iter().min().unwrap_or_default(),
                head,
                tail: tokenizer.encode(&after).len(),
                before,
                after,
            })
        };
        let frames: Result<_> = match replaced.map(unescape) {
            Some(request) => frame((usize::MAX, &request)).map(|frame| vec![frame]),
            None => prompt.requests().map(frame).collect(),
        };
        let stop = tokenizer.ids_containing(&prompt.stop);
        Ok(Self {
            frames: frames?,
            first,
            last: None,
            stop,
            stop_texts: prompt.stop.clone(),
        })
    }

    /// The sources of an encoder: `prefix`, such as `>>eng<< `, within the text; `first` and `last` around its tokens.
    pub fn for_encoder(prefix: &str, first: Option<u32>, last: Option<u32>, tokenizer: &Tokenizer) -> Self {
        let frame = Frame {
            below: usize::MAX,
            head: first.into_iter().chain(tokenizer.encode(prefix)).collect(),
            before: prefix.to_owned(),
            after: String::new(),
            tail: usize::from(last.is_some()),
            shared: 0,
        };
        Self {
            frames: vec![frame],
            first,
            last,
            stop: Vec::new(),
            stop_texts: Vec::new(),
        }
    }

    /// The whole with `text` in its place.
    pub fn encode(&self, text: &str, tokenizer: &Tokenizer) -> Encoded {
        let length = text.chars().count();
        let longest = self.frames.len() - 1;
        let frame = &self.frames[self.frames[..longest].partition_point(|frame| frame.below <= length)];
        // A text that names its target language itself is not told it again; a `>>` alone names none.
        let named = || {
            let end = text.find("<<")? + 2;
            let code = text.get(..end).filter(|code| code.starts_with(">>"))?;
            tokenizer.token_to_id(code)
        };
        let before = if frame.before.starts_with(">>") && named().is_some() {
            ""
        } else {
            &frame.before
        };
        let whole = format!("{before}{text}{}", frame.after);
        let ids = tokenizer.encode(&whole).into_iter();
        let mut ids: Vec<u32> = self.first.into_iter().chain(ids).collect();
        let ended = tokenizer.adds_eos_if_absent() && ids.last().copied() == self.last;
        ids.extend(self.last.filter(|_| !ended));
        let begins = frame.shared < ids.len() && ids.starts_with(&frame.head[..frame.shared]);
        Encoded {
            tokens: ids.len().saturating_sub(frame.head.len() + frame.tail),
            shared: if begins { frame.shared } else { 0 },
            ids,
        }
    }

    /// The most tokens that the prompt adds to a text.
    pub fn overhead(&self) -> usize {
        let overheads = self.frames.iter().map(|frame| frame.head.len() + frame.tail);
        overheads.max().unwrap_or_default()
    }

    /// Whether these ids are a beginning that is computed once.
    pub fn shares(&self, ids: &[u32]) -> bool {
        self.frames.iter().any(|frame| frame.head[..frame.shared] == *ids)
    }

    /// Ids that end an output.
    pub fn stop(&self) -> &[u32] {
        &self.stop
    }

    /// An output's text, up to its stop string, on one line.
    pub fn clean(&self, text: &str) -> String {
        let end = self
            .stop_texts
            .iter()
            .filter_map(|stop| text.find(stop.as_str()))
            .min()
            .unwrap_or(text.len());
        text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The caller's prompt to a model of which nothing is known. One of several lines gives examples or labels, and wants a line back.
pub fn bare(prompt: &str) -> Prompt {
    let template = unescape(prompt);
    Prompt {
        stop: template.contains('\n').then(|| "\n".to_owned()).into_iter().collect(),
        template,
        shorter: Vec::new(),
        chat: None,
        add_bos: true,
    }
}

/// A prompt as typed, `\n` read as a newline.
pub fn unescape(prompt: &str) -> String {
    prompt.replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::gguf::Gguf;
    use std::path::Path;

    /// A tokenizer that joins a space to the word after it, but not to a digit.
    #[test]
    fn all_texts_have_as_much_of_a_prompt_in_common() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder/qwen3.gguf");
        let gguf = Gguf::open(Path::new(path)).expect("the tiny model");
        let tokenizer = Tokenizer::from_gguf(&gguf).expect("a tokenizer");
        let prompter = Prompter::new(&bare("Thai: ก\\nThai: {text}"), None, &tokenizer).expect("a prompt");
        let [frame] = &prompter.frames[..] else {
            panic!("a single request")
        };
        let own = |text: &str| same(&prompter.encode(text, &tokenizer).ids, &frame.head);
        let texts = ["กา", "10 คน", "๑๐ คน", "the end", "“กา”", "- กา", "ๆ"];
        assert!(texts.iter().any(|text| own(text) != own(texts[0])), "nothing is joined");
        for text in texts {
            assert_eq!(prompter.encode(text, &tokenizer).shared, frame.shared, "{text}");
        }
        assert!(frame.shared > 3);
    }
}

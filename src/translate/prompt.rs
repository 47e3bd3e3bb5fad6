//! What stands around each source: the prompt of a decoder-only model, the language tokens of an encoder-decoder.

use crate::error::Result;
use crate::model::manifest::Prompt;
use crate::tokenizer::Tokenizer;

/// What stands around each source, ready for one model and one call.
pub struct Prompter {
    before: String,
    after: String,
    /// The id before everything: a begin token, or the language of the source.
    first: Option<u32>,
    /// The id after everything: the end of an encoder's source.
    last: Option<u32>,
    /// Whether what stands before can be computed once for all sources.
    shared: bool,
    /// Ids of `first` and `before`: what all sources have in common, but for tokens merged across its end.
    head: Vec<u32>,
    /// Tokens of `after` and `last`.
    tail: usize,
    stop: Vec<u32>,
    stop_texts: Vec<String>,
}

impl Prompter {
    /// The model's prompt, or `replaced` in place of its request.
    ///
    /// # Errors
    /// Of kind `Usage` where `replaced` does not hold `{text}` exactly once.
    pub fn new(prompt: &Prompt, replaced: Option<&str>, tokenizer: &Tokenizer) -> Result<Self> {
        let (before, after) = prompt.around(replaced.map(unescape).as_deref())?;
        let first = tokenizer.bos().filter(|_| prompt.add_bos);
        let head = first.into_iter().chain(tokenizer.encode(&before)).collect();
        let tail = tokenizer.encode(&after).len();
        let stop = tokenizer.ids_with(&prompt.stop);
        Ok(Self {
            before,
            after,
            first,
            last: None,
            shared: true,
            head,
            tail,
            stop,
            stop_texts: prompt.stop.clone(),
        })
    }

    /// The sources of an encoder: `prefix`, such as `>>eng<< `, within the text; `first` and `last` around its tokens.
    pub fn for_encoder(prefix: &str, first: Option<u32>, last: Option<u32>, tokenizer: &Tokenizer) -> Self {
        Self {
            head: first.into_iter().chain(tokenizer.encode(prefix)).collect(),
            before: prefix.to_owned(),
            after: String::new(),
            first,
            tail: usize::from(last.is_some()),
            last,
            shared: false,
            stop: Vec::new(),
            stop_texts: Vec::new(),
        }
    }

    /// The whole with `text` in its place, and how many tokens the text alone has.
    pub fn encode(&self, text: &str, tokenizer: &Tokenizer) -> (Vec<u32>, usize) {
        // A text that names its target language itself is not told it again; a `>>` alone names none.
        let named = || {
            let end = text.find("<<")? + 2;
            let code = text.get(..end).filter(|code| code.starts_with(">>"))?;
            tokenizer.id(code)
        };
        let before = match self.before.starts_with(">>") && named().is_some() {
            true => "",
            false => &self.before,
        };
        let whole = format!("{before}{text}{}", self.after);
        let ids = tokenizer.encode(&whole).into_iter();
        let mut ids: Vec<u32> = self.first.into_iter().chain(ids).collect();
        let ended = tokenizer.ends_once() && ids.last().copied() == self.last;
        ids.extend(self.last.filter(|_| !ended));
        let tokens = ids.len().saturating_sub(self.head.len() + self.tail);
        (ids, tokens)
    }

    /// Tokens that the prompt adds to a text.
    pub fn overhead(&self) -> usize {
        self.head.len() + self.tail
    }

    /// How many of `ids` are a fixed beginning that is computed once; always less than all.
    pub fn common(&self, ids: &[u32]) -> usize {
        if !self.shared {
            return 0;
        }
        let same = ids.iter().zip(&self.head).take_while(|(a, b)| a == b).count();
        same.min(ids.len().saturating_sub(1))
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
        chat: None,
        add_bos: true,
    }
}

/// A prompt as typed, `\n` read as a newline.
pub fn unescape(prompt: &str) -> String {
    prompt.replace("\\n", "\n")
}

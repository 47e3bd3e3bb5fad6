//! Prompts: the fixed text around each source of a decoder-only model, as ids.

use crate::error::Result;
use crate::model::manifest::Prompt;
use crate::tokenizer::SpmTokenizer;

/// A prompt ready for one model and one call.
pub struct Prompter {
    before: String,
    after: String,
    bos: Option<u32>,
    /// Ids of the begin token and `before`: what all sources have in common, but for tokens merged across its end.
    head: Vec<u32>,
    /// Tokens of `after`.
    tail: usize,
    stop: Vec<u32>,
    stop_texts: Vec<String>,
}

impl Prompter {
    /// The model's prompt, or `replaced` in place of its request.
    ///
    /// # Errors
    /// Of kind `Usage` where `replaced` does not hold `{text}` exactly once.
    pub fn new(prompt: &Prompt, replaced: Option<&str>, tokenizer: &SpmTokenizer) -> Result<Self> {
        let (before, after) = prompt.around(replaced.map(unescape).as_deref())?;
        let bos = tokenizer.bos().filter(|_| prompt.add_bos);
        let head = bos.into_iter().chain(tokenizer.encode(&before)).collect();
        let tail = tokenizer.encode(&after).len();
        let stop = tokenizer.ids_with(&prompt.stop);
        Ok(Self {
            before,
            after,
            bos,
            head,
            tail,
            stop,
            stop_texts: prompt.stop.clone(),
        })
    }

    /// The whole prompt with `text` in its place, and how many tokens the text alone has.
    pub fn encode(&self, text: &str, tokenizer: &SpmTokenizer) -> (Vec<u32>, usize) {
        let whole = format!("{}{text}{}", self.before, self.after);
        let ids: Vec<u32> = self.bos.into_iter().chain(tokenizer.encode(&whole)).collect();
        let tokens = ids.len().saturating_sub(self.head.len() + self.tail);
        (ids, tokens)
    }

    /// Tokens that the prompt adds to a text.
    pub fn overhead(&self) -> usize {
        self.head.len() + self.tail
    }

    /// How many of `ids` are the prompt's fixed beginning; always less than all.
    pub fn common(&self, ids: &[u32]) -> usize {
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

/// A prompt as typed, `\n` read as a newline.
pub fn unescape(prompt: &str) -> String {
    prompt.replace("\\n", "\n")
}

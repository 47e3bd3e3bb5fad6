//! Prompts: the text or tokens that surround each source when a model reads it.
//!
//! A decoder-only model gets a prompt from its manifest, from the caller or from its own chat template; an
//! encoder-decoder model gets language tokens. A [`Prompter`] prepares either for one model and one call.

use super::{DecodeOptions, Translator, language};
use crate::catalog::manifest::{LanguageSettings, Manifests, Prompt, split_at_only_mark};
use crate::error::{Error, Hint, Result};
use crate::thai::has_thai;
use crate::tokenizer::{ChatTemplate, Tokenizer};
use std::borrow::Cow;

/// The request for a translation that is put into a chat template if nothing else is known of the model.
const CHAT_REQUEST: &str = "Translate the following text from Thai into English. Give only the translation.\n\n{text}";

/// Name of the built-in model whose few-shot prompt is also used for base models without a prompt of their own.
const FEW_SHOT_MODEL: &str = "gemma-3-270m";

/// Sample beginnings of sources, one for each kind of character that a tokenizer may merge with the end of a prompt in
/// a different way.
const SAMPLE_TEXT_STARTS: [&str; 6] = ["ก", "a", "1", "๑", "(", "“"];

/// How sources are presented to a model.
pub(super) enum InputFormat {
    /// In the prompt of a decoder-only model: that of its manifest, else one made from the chat template in its files,
    /// which is held here if there is one.
    Prompt(Option<ChatTemplate>),
    /// With the language tokens of an encoder-decoder model; `end` is the id of the token that ends a source.
    LanguageTokens {
        languages: LanguageSettings,
        end: Option<u32>,
    },
}

/// Iterates over the requests of a prompt (texts with `{text}` for the source), the one for the shortest sources first.
/// Each comes with the number of characters that a source must stay below; the last, with `usize::MAX`, is for all
/// longer sources.
pub fn list_prompt_requests(prompt: &Prompt) -> impl Iterator<Item = (usize, &str)> {
    let shorter = prompt
        .shorter
        .iter()
        .map(|shorter| (shorter.below, shorter.template.as_str()));
    shorter.chain([(usize::MAX, prompt.template.as_str())])
}

/// Puts a request into its prompt's chat template, if the prompt has one, and splits the result at `{text}`. Returns
/// the text before the source and the text after it.
///
/// # Errors
/// Kind `Usage`, if the request does not hold `{text}` exactly once.
pub fn split_at_text(prompt: &Prompt, request: &str) -> Result<(String, String)> {
    let (before, after) = split_at_only_mark(request, "{text}")
        .ok_or_else(|| Error::usage("the prompt must hold {text} exactly once"))?;
    let chat = prompt.chat.as_deref().and_then(|chat| chat.split_once("{prompt}"));
    Ok(match chat {
        Some((open, close)) => (format!("{open}{before}"), format!("{after}{close}")),
        None => (before.to_owned(), after.to_owned()),
    })
}

/// Returns the few-shot prompt for base models without a prompt of their own.
///
/// # Errors
/// Kind `Model` if the built-in manifests are damaged.
fn few_shot_prompt() -> Result<Prompt> {
    let manifests = Manifests::load(None)?;
    let known = manifests
        .get(FEW_SHOT_MODEL)
        .and_then(|manifest| manifest.prompt.clone());
    known.ok_or_else(|| Error::model("no prompt is known for this model"))
}

/// Makes a prompt by putting a plain request for a translation into a chat template. No begin token is added, since the
/// template spells it out if the model has one.
///
/// # Errors
/// The errors of [`ChatTemplate::render_conversation`].
fn chat_prompt(template: &ChatTemplate) -> Result<Prompt> {
    let conversation = template.render_conversation(language::LANGUAGE_CODES)?;
    let request = if conversation.makes_request {
        "{text}"
    } else {
        CHAT_REQUEST
    };
    Ok(Prompt {
        template: request.to_owned(),
        shorter: Vec::new(),
        chat: Some(conversation.text),
        stop: conversation.end_of_turn.into_iter().collect(),
        add_bos: false,
    })
}

/// Makes a prompt of the caller's text, for a model whose manifest has none. If the text has several lines, it holds
/// examples or labels, and outputs end at their first newline.
fn prompt_of_caller(prompt: &str) -> Prompt {
    let template = unescape_prompt(prompt);
    Prompt {
        stop: template.contains('\n').then(|| "\n".to_owned()).into_iter().collect(),
        template,
        shorter: Vec::new(),
        chat: None,
        add_bos: true,
    }
}

/// Replaces each `\n` that was typed in a prompt by a newline.
fn unescape_prompt(prompt: &str) -> String {
    prompt.replace("\\n", "\n")
}

/// Lists the examples of a request: each line of Thai with the line after it, if that has no Thai. Labels such as `Thai: `
/// are left out.
fn list_examples(request: &str) -> Vec<(String, String)> {
    let text_of = |line: &str| {
        let label = line
            .split_once(": ")
            .filter(|(label, _)| label.chars().all(char::is_alphabetic));
        label.map_or(line, |(_, text)| text).trim().to_owned()
    };
    let lines: Vec<&str> = request.lines().filter(|line| !line.trim().is_empty()).collect();
    let pairs = lines.windows(2).filter(|pair| has_thai(pair[0]) && !has_thai(pair[1]));
    pairs.map(|pair| (text_of(pair[0]), text_of(pair[1]))).collect()
}

/// Returns the number of ids that two sequences share at their beginning.
fn common_prefix_len(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Translator {
    /// Returns the prompt for sources that are not short, with `{text}` where the source goes; `options` may replace
    /// its request. None for an encoder-decoder model.
    pub fn prompt_text(&self, options: &DecodeOptions) -> Option<String> {
        let InputFormat::Prompt(chat) = &self.input else {
            return None;
        };
        let prompt = self.choose_prompt(chat.as_ref(), options).ok()?;
        let request = match &options.prompt {
            Some(request) => unescape_prompt(request),
            None => prompt.template.clone(),
        };
        let (before, after) = split_at_text(&prompt, &request).ok()?;
        Some(format!("{before}{{text}}{after}"))
    }

    /// Whether the model has a prompt of its own, in its manifest or as a chat template in its files. A decoder-only model
    /// without one is asked with examples, as a base model. An encoder-decoder model needs none.
    pub fn has_own_prompt(&self) -> bool {
        match &self.input {
            InputFormat::Prompt(chat) => chat.is_some() || self.manifest.prompt.is_some(),
            InputFormat::LanguageTokens { .. } => true,
        }
    }

    /// Chooses the prompt of a decoder-only model, the first that exists of: the manifest's, whose request the caller
    /// may replace; the caller's as it is; one made from the model's chat template; a few-shot prompt for a base model.
    fn choose_prompt(&self, chat: Option<&ChatTemplate>, options: &DecodeOptions) -> Result<Cow<'_, Prompt>> {
        match (&self.manifest.prompt, &options.prompt, chat) {
            (Some(prompt), _, _) => Ok(Cow::Borrowed(prompt)),
            (None, Some(text), _) => Ok(Cow::Owned(prompt_of_caller(text))),
            (None, None, Some(chat)) => chat_prompt(chat).map(Cow::Owned),
            (None, None, None) => few_shot_prompt().map(Cow::Owned),
        }
    }

    /// Prepares the prompt or the language tokens that surround each source of a call.
    ///
    /// # Errors
    /// Kind `Usage` for a prompt that does not hold `{text}` exactly once, or that is given to an encoder-decoder
    /// model; of kind `Model` for a chat template that cannot be rendered.
    pub(super) fn make_prompter(&self, options: &DecodeOptions) -> Result<Prompter> {
        match &self.input {
            InputFormat::Prompt(chat) => {
                let prompt = self.choose_prompt(chat.as_ref(), options)?;
                Prompter::new(&prompt, options.prompt.as_deref(), &self.tokenizer)
            }
            InputFormat::LanguageTokens { .. } if options.prompt.is_some() => {
                Err(Error::usage("an encoder-decoder model takes no prompt").hint(Hint::NoPrompt))
            }
            InputFormat::LanguageTokens { languages, end } => {
                let token = languages.encoder_token.as_deref();
                let first = token.and_then(|token| self.tokenizer.token_to_id(token));
                let prefix = languages.prefix.as_deref().unwrap_or_default();
                Ok(Prompter::for_encoder(prefix, first, *end, &self.tokenizer))
            }
        }
    }
}

/// The prompt or language tokens that surround each source, tokenized for one model and one call.
pub(super) struct Prompter {
    /// One frame for each request of the prompt, the one for the shortest sources first.
    frames: Vec<PromptFrame>,
    /// Id of the token before everything else: a begin token, or the language token of the source. None if there is no
    /// such token.
    first: Option<u32>,
    /// Id of the token after everything else: the end token of an encoder's source. None for a decoder-only model.
    last: Option<u32>,
    /// Token ids that end an output.
    stop: Vec<u32>,
    /// Strings that end an output: those that are no control token.
    stop_texts: Vec<String>,
    /// The prompt's examples, each a Thai text and its translation.
    examples: Vec<(String, String)>,
}

/// The text and tokens that surround the sources of one range of lengths.
struct PromptFrame {
    /// Number of characters that a source must stay below to get this frame.
    below: usize,
    /// The text before the source.
    before: String,
    /// The text after the source.
    after: String,
    /// Ids of the token before everything else, if any, and of the text `before`.
    head: Vec<u32>,
    /// Number of ids of `head` that are the same whatever the source begins with, so that the model's state after them
    /// can be computed once.
    shared: usize,
    /// Number of tokens of the text `after` and of the end token, if any.
    tail: usize,
}

/// The token ids of a source and of what surrounds it, as the model reads them.
pub(super) struct EncodedSource {
    /// All ids, those of the surrounding prompt included.
    pub ids: Vec<u32>,
    /// Number of ids that belong to the source text alone.
    pub tokens: usize,
    /// Number of ids at the beginning that other sources share, so that the model's state after them is computed once;
    /// always less than the number of all ids.
    pub shared: usize,
}

impl EncodedSource {
    /// Splits the ids into the fixed beginning that other sources share, and the rest.
    pub fn split_ids(&self) -> (&[u32], &[u32]) {
        self.ids.split_at(self.shared)
    }
}

impl Prompter {
    /// Tokenizes a model's prompt. `replaced`, if given, is the caller's request and replaces those of the prompt.
    ///
    /// # Errors
    /// Kind `Usage` where `replaced` does not hold `{text}` exactly once.
    fn new(prompt: &Prompt, replaced: Option<&str>, tokenizer: &Tokenizer) -> Result<Self> {
        let first = tokenizer.bos_id().filter(|_| prompt.add_bos);
        let ids = |text: &str| -> Vec<u32> { first.into_iter().chain(tokenizer.encode(text)).collect() };
        let frame = |(below, request): (usize, &str)| {
            let (before, after) = split_at_text(prompt, request)?;
            let head = ids(&before);
            // The minimum over all kinds of beginnings, so that one computed state serves every source.
            let unmerged = SAMPLE_TEXT_STARTS.map(|text| common_prefix_len(&ids(&format!("{before}{text}")), &head));
            Ok(PromptFrame {
                below,
                shared: unmerged.into_iter().min().unwrap_or_default(),
                head,
                tail: tokenizer.encode(&after).len(),
                before,
                after,
            })
        };
        let replaced = replaced.map(unescape_prompt);
        let examples = match &replaced {
            Some(request) => list_examples(request),
            None => list_prompt_requests(prompt)
                .flat_map(|(_, request)| list_examples(request))
                .collect(),
        };
        let frames: Result<_> = match replaced {
            Some(request) => frame((usize::MAX, &request)).map(|frame| vec![frame]),
            None => list_prompt_requests(prompt).map(frame).collect(),
        };
        let stop = tokenizer.ids_containing(&prompt.stop);
        Ok(Self {
            frames: frames?,
            first,
            last: None,
            stop,
            // A control token ends an output by its id. Where its name is written out, it is text of the article.
            stop_texts: prompt
                .stop
                .iter()
                .filter(|stop| !tokenizer.is_control_token(stop))
                .cloned()
                .collect(),
            examples,
        })
    }

    /// Prepares the sources of an encoder: `prefix`, such as `>>eng<< `, is put before the text, and the ids `first`
    /// and `last` are put around its tokens.
    fn for_encoder(prefix: &str, first: Option<u32>, last: Option<u32>, tokenizer: &Tokenizer) -> Self {
        let frame = PromptFrame {
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
            examples: Vec::new(),
        }
    }

    /// Surrounds a source text with the prompt for its length and returns the token ids of the whole.
    ///
    /// Control tokens in the text are text. For a prompt whose outputs end at a newline, so are newlines in the text, so
    /// that a source cannot add an example to a few-shot prompt.
    ///
    /// # Errors
    /// Kind `Model` if the tokenizer cannot cut the text into tokens.
    pub fn encode_source(&self, text: &str, tokenizer: &Tokenizer) -> Result<EncodedSource> {
        self.encode_in_frame(self.frame_for(text), text, tokenizer)
    }

    /// Returns the frame for a source text of this length.
    fn frame_for(&self, text: &str) -> &PromptFrame {
        let length = text.chars().count();
        let longest = self.frames.len() - 1;
        &self.frames[self.frames[..longest].partition_point(|frame| frame.below <= length)]
    }

    /// Encodes a source and its given translation, which is on one line: returns the ids of the source in its prompt, and
    /// those of the translation as the model would write them after it; then both with an empty source in the same
    /// prompt.
    ///
    /// # Errors
    /// The errors of [`Self::encode_source`].
    pub fn encode_pair(
        &self,
        source: &str,
        target: &str,
        tokenizer: &Tokenizer,
        is_decoder_only: bool,
    ) -> Result<[(EncodedSource, Vec<u32>); 2]> {
        let frame = self.frame_for(source);
        let encode = |source: &str| {
            let encoded = self.encode_in_frame(frame, source, tokenizer)?;
            let target = if is_decoder_only {
                self.encode_after_prompt(frame, &encoded.ids, source, target, tokenizer)?
            } else {
                tokenizer.encode_target(target)
            };
            Ok((encoded, target))
        };
        Ok([encode(source)?, encode("")?])
    }

    /// Encodes a translation as a decoder-only model would write it after a prompt with the ids `prompt`: after a space,
    /// unless the prompt ends in white space or a control token.
    fn encode_after_prompt(
        &self,
        frame: &PromptFrame,
        prompt: &[u32],
        source: &str,
        target: &str,
        tokenizer: &Tokenizer,
    ) -> Result<Vec<u32>> {
        let around = if frame.after.is_empty() { source } else { &frame.after };
        let space = if around.ends_with(|c: char| c.is_whitespace() || c == '>') {
            ""
        } else {
            " "
        };
        let source = self.put_on_one_line(source);
        let whole = format!("{}{source}{}{space}{target}", frame.before, frame.after);
        let range = frame.before.len()..frame.before.len() + source.len();
        let ids: Vec<u32> = self
            .first
            .into_iter()
            .chain(tokenizer.encode_prompt(&whole, range)?)
            .collect();
        // A tokenizer may merge the end of the prompt with the beginning of the translation.
        Ok(match ids.strip_prefix(prompt) {
            Some(target) => target.to_vec(),
            None => tokenizer.encode_source(&format!("{space}{target}")),
        })
    }

    /// Replaces newlines in a source by spaces, for a prompt whose outputs end at a newline.
    fn put_on_one_line<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let is_one_line = self.stop_texts.iter().any(|stop| stop == "\n");
        if is_one_line && text.contains(['\n', '\r']) {
            Cow::Owned(text.replace(['\n', '\r'], " "))
        } else {
            Cow::Borrowed(text)
        }
    }

    fn encode_in_frame(&self, frame: &PromptFrame, text: &str, tokenizer: &Tokenizer) -> Result<EncodedSource> {
        let text = self.put_on_one_line(text);
        let whole = format!("{}{text}{}", frame.before, frame.after);
        let source = frame.before.len()..frame.before.len() + text.len();
        let ids = tokenizer.encode_prompt(&whole, source)?.into_iter();
        let mut ids: Vec<u32> = self.first.into_iter().chain(ids).collect();
        let ended = tokenizer.adds_eos_if_absent() && ids.last().copied() == self.last;
        ids.extend(self.last.filter(|_| !ended));
        let begins = frame.shared < ids.len() && ids.starts_with(&frame.head[..frame.shared]);
        Ok(EncodedSource {
            tokens: ids.len().saturating_sub(frame.head.len() + frame.tail),
            shared: if begins { frame.shared } else { 0 },
            ids,
        })
    }

    /// Returns the most tokens that the prompt adds to a source text.
    pub fn prompt_tokens(&self) -> usize {
        let overheads = self.frames.iter().map(|frame| frame.head.len() + frame.tail);
        overheads.max().unwrap_or_default()
    }

    /// Whether these ids are a beginning of the prompt that all sources of one range of lengths share.
    pub fn is_shared_beginning(&self, ids: &[u32]) -> bool {
        self.frames.iter().any(|frame| frame.head[..frame.shared] == *ids)
    }

    /// Returns the prompt's examples, each a Thai text and its translation, of which an output may take over text.
    pub fn examples(&self) -> &[(String, String)] {
        &self.examples
    }

    /// Returns the token ids that end an output, besides the model's own end tokens.
    pub fn stop_ids(&self) -> &[u32] {
        &self.stop
    }

    /// Cuts the text of an output at its first stop string and puts it on one line with single spaces.
    pub fn clean_output(&self, text: &str) -> String {
        let end = self
            .stop_texts
            .iter()
            .filter_map(|stop| text.find(stop.as_str()))
            .min()
            .unwrap_or(text.len());
        text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::gguf::GgufFile;
    use std::path::Path;

    #[test]
    fn the_examples_of_a_prompt_are_pairs_of_thai_and_english() {
        let prompt = few_shot_prompt().expect("the built-in prompt");
        let examples: Vec<_> = list_prompt_requests(&prompt)
            .flat_map(|(_, request)| list_examples(request))
            .collect();
        assert!(examples.len() > 10, "{examples:?}");
        assert!(examples.contains(&("แม่น้ำเจ้าพระยา".to_owned(), "Chao Phraya River".to_owned())));
        for (thai, english) in &examples {
            assert!(
                has_thai(thai) && !has_thai(english) && !english.is_empty(),
                "{thai} {english}"
            );
            assert!(
                !thai.starts_with("Thai:") && !english.contains("{text}"),
                "{thai} {english}"
            );
        }
        assert_eq!(list_examples("Translate.\n\n{text}"), []);
    }

    /// Checks that one shared beginning serves all texts, with a tokenizer that merges a space with the word after it
    /// but not with a digit.
    #[test]
    fn all_texts_have_as_much_of_a_prompt_in_common() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder/qwen3.gguf");
        let gguf = GgufFile::open(Path::new(path)).expect("the tiny model");
        let tokenizer = Tokenizer::from_gguf(&gguf).expect("a tokenizer");
        let prompt = prompt_of_caller("Thai: ก\\nThai: {text}");
        let prompter = Prompter::new(&prompt, None, &tokenizer).expect("a prompt");
        let [frame] = &prompter.frames[..] else {
            panic!("a single request")
        };
        let own =
            |text: &str| common_prefix_len(&prompter.encode_source(text, &tokenizer).expect("ids").ids, &frame.head);
        let texts = ["กา", "10 คน", "๑๐ คน", "the end", "“กา”", "- กา", "ๆ"];
        assert!(texts.iter().any(|text| own(text) != own(texts[0])), "nothing is joined");
        for text in texts {
            assert_eq!(
                prompter.encode_source(text, &tokenizer).expect("ids").shared,
                frame.shared,
                "{text}"
            );
        }
        assert!(frame.shared > 3);
    }

    #[test]
    fn prompts_wrap_the_text_byte_for_byte() {
        let all = Manifests::load(None).unwrap();
        let wrapped = |name: &str| {
            let prompt = all.get(name).unwrap().prompt.as_ref().unwrap();
            let (before, after) = split_at_text(prompt, &prompt.template).unwrap();
            format!("{before}ข้อความ{after}")
        };
        // The prompts of the models' cards and chat templates, without the begin token, which some models add in front.
        let cases: [(&[&str], bool, &str); 8] = [
            (
                &["translategemma-4b", "translategemma-12b"],
                true,
                "<start_of_turn>user\nYou are a professional Thai (th) to English (en) translator. Your goal is to accurately convey \
                 the meaning and nuances of the original Thai text while adhering to English grammar, vocabulary, and cultural \
                 sensitivities.\nProduce only the English translation, without any additional explanations or commentary. Please \
                 translate the following Thai text into English:\n\n\nข้อความ<end_of_turn>\n<start_of_turn>model\n",
            ),
            (
                &["hy-mt2-1.8b", "hy-mt2-1.8b-q4"],
                false,
                "<｜hy_begin▁of▁sentence｜><｜hy_User｜>Translate the following text into English. Note that you should **only output \
                 the translated result without any additional explanation**:\n\nข้อความ<｜hy_Assistant｜>",
            ),
            (
                &["hy-mt2-7b", "hy-mt2-7b-q4"],
                false,
                "<|startoftext|>Translate the following text into English. Note that you should **only output the translated result \
                 without any additional explanation**:\n\nข้อความ<|extra_0|>",
            ),
            (
                &["lmt-60-0.6b", "lmt-60-1.7b", "lmt-60-4b", "lmt-60-8b"],
                false,
                "<|im_start|>user\nTranslate the following text from Thai into English:\nThai: ข้อความ\nEnglish:<|im_end|>\n\
                 <|im_start|>assistant\n",
            ),
            (
                &["typhoon-translate-4b"],
                true,
                "<start_of_turn>user\nTranslate the following text into English.\n\nข้อความ<end_of_turn>\n<start_of_turn>model\n",
            ),
            (
                &["typhoon-translate1.5-4b"],
                false,
                "<|im_start|>user\nTranslate the following Thai text into English, strictly following the rules below and return only \
                 the translated text.\nRules:\n1. Keep names, numbers and dates exact.\nSource Text:\nข้อความ<|im_end|>\n\
                 <|im_start|>assistant\n",
            ),
            (
                &[
                    "gemmax2-28-2b",
                    "gemmax2-28-9b",
                    "milmmt-46-1b",
                    "milmmt-46-4b",
                    "milmmt-46-12b",
                ],
                true,
                "Translate this from Thai to English:\nThai: ข้อความ\nEnglish:",
            ),
            (
                &["seed-x-ppo-7b"],
                true,
                "Translate the following Thai sentence into English:\nข้อความ <en>",
            ),
        ];
        let mut seen = vec!["gemma-3-270m"];
        for (names, add_bos, expected) in cases {
            for name in names {
                assert_eq!(wrapped(name), expected, "{name}");
                assert_eq!(
                    all.get(name).unwrap().prompt.as_ref().unwrap().add_bos,
                    add_bos,
                    "{name}"
                );
                seen.push(name);
            }
        }
        for manifest in all.iter().filter(|manifest| manifest.prompt.is_some()) {
            assert!(
                seen.contains(&manifest.name.as_str()),
                "{}: what it wraps is not checked",
                manifest.name
            );
        }
        let gemma = wrapped("gemma-3-270m");
        assert!(gemma.ends_with("\n\nThai: ข้อความ\nEnglish:"), "{gemma}");
        let prompt = all.get("gemma-3-270m").and_then(|manifest| manifest.prompt.as_ref());
        let shorter = &prompt.unwrap().shorter;
        assert!(!shorter.is_empty());
        for request in shorter.iter().map(|shorter| &shorter.template) {
            assert!(request.ends_with("\n\nThai: {text}\nEnglish:"), "{request}");
        }
    }

    #[test]
    fn a_prompt_can_be_replaced_but_not_its_chat_template() {
        let prompt = Prompt {
            template: "A {text} B".into(),
            shorter: Vec::new(),
            chat: Some("<u>{prompt}</u>".into()),
            stop: Vec::new(),
            add_bos: false,
        };
        let around = |request| split_at_text(&prompt, request).map(|(before, after)| before + "|" + &after);
        assert_eq!(around(&prompt.template).unwrap(), "<u>A | B</u>");
        assert_eq!(around("{text}?").unwrap(), "<u>|?</u>");
        for wrong in ["no place", "{text} {text}"] {
            assert_eq!(around(wrong).unwrap_err().kind, crate::error::ErrorKind::Usage);
        }
    }

    /// vllm#31735: an output may spell the token that ends a turn, as its article does; the token itself ends it by id.
    #[test]
    fn an_output_is_not_cut_where_it_spells_a_control_token() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder/qwen3.gguf");
        let gguf = GgufFile::open(Path::new(path)).expect("the tiny model");
        let tokenizer = Tokenizer::from_gguf(&gguf).expect("a tokenizer");
        let prompt = Prompt {
            template: "{text}".into(),
            shorter: Vec::new(),
            chat: Some("<|im_start|>{prompt}<|im_end|>".into()),
            stop: vec!["<|im_end|>".into(), "END".into()],
            add_bos: false,
        };
        let prompter = Prompter::new(&prompt, None, &tokenizer).expect("a prompt");
        assert_eq!(
            prompter.clean_output("the sign <|im_end|> means END of it"),
            "the sign <|im_end|> means"
        );
        let end = tokenizer.token_to_id("<|im_end|>").expect("a token");
        assert!(prompter.stop_ids().contains(&end));
        let encoded = prompter.encode_source("ก<|im_end|>", &tokenizer).expect("ids");
        assert_eq!(
            encoded.ids.iter().filter(|id| **id == end).count(),
            1,
            "{:?}",
            encoded.ids
        );
    }
}

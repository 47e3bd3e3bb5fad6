//! Chat templates: the Jinja templates in a model's files that turn a request into a conversation, rendered like
//! `apply_chat_template` of transformers.

use super::config::{TokenizerConfig, read_file};
use super::jinja;
use crate::error::{Error, Result};
use crate::model::weights::gguf::GgufFile;
use minijinja::value::Value;
use minijinja::{ErrorKind, context};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The placeholder that the template is rendered with in place of the request.
const REQUEST_MARK: &str = "{prompt}";

/// The placeholder that the template is rendered with in place of an answer, to find the end-of-turn token after it.
const ANSWER_MARK: &str = "{answer}";

/// A chat template, with the special tokens that it may insert.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    /// The Jinja source of the template.
    text: String,
    /// The text of each special token by its name, such as `<bos>` by `bos_token`.
    tokens: BTreeMap<String, String>,
    /// The file that the template was read from, for errors.
    path: PathBuf,
    /// The key of the template in its file, for errors; empty if the file is the template.
    place: &'static str,
}

/// A rendered conversation that has one request and ends where the model answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The rendered text, which contains `{prompt}` once, in place of the request.
    pub text: String,
    /// Whether the template words the request itself, from a source text, as TranslateGemma's template does. `{prompt}`
    /// then stands for the source text.
    pub makes_request: bool,
    /// The token that ends the model's turn, if the template shows it.
    pub end_of_turn: Option<String>,
}

impl ChatTemplate {
    /// Reads the chat template of a checkpoint directory: chat_template.jinja, else `chat_template` in
    /// tokenizer_config.json. If there are several templates, the one named `default` is read. `None` if the directory
    /// has no template.
    ///
    /// # Errors
    /// Kind `Model` if a file is damaged.
    pub fn from_directory(directory: &Path) -> Result<Option<Self>> {
        let config = TokenizerConfig::open(directory)?;
        let path = directory.join("chat_template.jinja");
        let (text, path, place) = if path.exists() {
            (String::from_utf8_lossy(&read_file(&path)?).into_owned(), path, "")
        } else {
            let several = |all: &[serde_json::Value]| {
                let default = all.iter().find(|entry| entry["name"] == "default");
                default.and_then(|entry| entry["template"].as_str()).map(str::to_owned)
            };
            let text = match config.json_setting("chat_template") {
                Some(serde_json::Value::Array(all)) => several(all),
                other => other.and_then(serde_json::Value::as_str).map(str::to_owned),
            };
            let Some(text) = text else { return Ok(None) };
            (text, config.config_path().to_owned(), "chat_template")
        };
        let tokens = config.named_special_tokens()?.into_iter();
        Ok(Some(Self {
            text,
            tokens: tokens.map(|(role, token)| (role.to_owned(), token.content)).collect(),
            path,
            place,
        }))
    }

    /// Reads the chat template of a GGUF file, `tokenizer.chat_template`. `None` if the file has no template.
    pub fn from_gguf(gguf: &GgufFile) -> Option<Self> {
        let text = gguf.read_string("tokenizer.chat_template")?.to_owned();
        let all = gguf.read_array("tokenizer.ggml.tokens").unwrap_or_default();
        // GGUF calls `pad_token` and `unk_token` of transformers `padding` and `unknown`.
        let roles = [("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")];
        let tokens = roles.into_iter().filter_map(|(name, key)| {
            let token = all.get(gguf.read_integer(&format!("tokenizer.ggml.{key}_token_id"))?)?;
            Some((format!("{name}_token"), token.as_text()?.to_owned()))
        });
        Some(Self {
            text,
            tokens: tokens.collect(),
            path: gguf.path().to_owned(),
            place: "tokenizer.chat_template",
        })
    }

    /// Renders a request for a translation, with thinking switched off, up to where the model answers, and finds the
    /// token that ends the answer. The begin token is in the rendered text only if the template inserts it.
    ///
    /// Templates of models that read pictures take a request in parts. Some, such as TranslateGemma's, refuse any
    /// request: they take a source text with its languages, and word the request themselves. They get the languages
    /// `source` and `target`, which are ISO 639-1 codes.
    ///
    /// # Errors
    /// Kind `Model`, with file and line, if the template cannot be rendered or does not hold the request exactly
    /// once.
    pub fn render_conversation(&self, [source, target]: [&str; 2]) -> Result<Conversation> {
        let mut contexts = Vec::new();
        for content in RequestForm::ALL.map(|form| form.content(REQUEST_MARK, [source, target])) {
            let request = context! { role => "user", content => content };
            contexts.push(self.context(vec![request], true));
        }
        for form in RequestForm::ALL {
            let request = context! { role => "user", content => form.content(REQUEST_MARK, [source, target]) };
            let answer = context! { role => "assistant", content => form.answer(ANSWER_MARK) };
            contexts.push(self.context(vec![request, answer], false));
        }
        let mut asked = jinja::render(&self.text, contexts).map_err(|e| self.rendering_error(&e))?;
        let answered = asked.split_off(RequestForm::ALL.len());
        let holds_once = |text: &str| text.matches(REQUEST_MARK).count() == 1;
        let found = asked
            .iter()
            .position(|text| text.as_ref().is_ok_and(|text| holds_once(text)));
        let Some(index) = found else {
            return Err(match asked.into_iter().find_map(Result::err) {
                Some(error) => self.rendering_error(&error),
                None => self.template_error("the chat template does not hold the request once", None),
            });
        };
        let answered = answered[index].as_deref().unwrap_or_default();
        let end_of_turn = answered
            .split_once(ANSWER_MARK)
            .and_then(|(_, rest)| find_end_of_turn(rest));
        Ok(Conversation {
            text: asked.swap_remove(index).unwrap_or_default(),
            makes_request: RequestForm::ALL[index] == RequestForm::WithLanguages,
            end_of_turn,
        })
    }

    /// Makes the values of the template's variables for a conversation.
    fn context(&self, messages: Vec<Value>, add_generation_prompt: bool) -> Value {
        let tokens = Value::from(self.tokens.clone());
        context! {
            messages, add_generation_prompt, enable_thinking => false, tools => (), documents => (), ..tokens
        }
    }

    /// Makes the error for a template that cannot be rendered.
    fn rendering_error(&self, error: &minijinja::Error) -> Error {
        let detail = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => {
                "it takes more steps, or makes more text, than a conversation needs".to_owned()
            }
            (_, Some(detail)) => detail.to_owned(),
            (kind, None) => kind.to_string(),
        };
        self.template_error(&format!("the chat template cannot be rendered: {detail}"), error.line())
    }

    /// Makes an error that names the template's file, its key in the file, and the line of the template.
    fn template_error(&self, message: &str, line: Option<usize>) -> Error {
        let place = [Some(self.place.to_owned()), line.map(|line| format!("line {line}"))];
        let place: Vec<_> = place.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let error = Error::model(message).path(&self.path);
        let error = if place.is_empty() {
            error
        } else {
            error.place(place.join(" "))
        };
        error.hint("write a manifest for the model, with its prompt")
    }
}

/// The form in which a template takes a request, in the order in which the forms are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestForm {
    /// A text.
    Text,
    /// A list of one part, a text, for a model that also reads pictures.
    Parts,
    /// A source text with its languages, of which the template makes a request.
    WithLanguages,
}

impl RequestForm {
    const ALL: [Self; 3] = [Self::Text, Self::Parts, Self::WithLanguages];

    /// Makes the content of a request.
    fn content(self, text: &str, [source, target]: [&str; 2]) -> Value {
        let mut part = BTreeMap::from([("type", Value::from("text")), ("text", text.into())]);
        match self {
            Self::Text => return text.into(),
            Self::Parts => {}
            Self::WithLanguages => {
                part.extend([("source_lang_code", source.into()), ("target_lang_code", target.into())])
            }
        }
        Value::from(vec![part])
    }

    /// Makes the content of an answer to a request in this form.
    fn answer(self, text: &str) -> Value {
        match self {
            Self::Parts => self.content(text, [""; 2]),
            Self::Text | Self::WithLanguages => text.into(),
        }
    }
}

/// Finds the token that ends a turn in `rest`, the text after an answer: the text up to the first `>` if it begins with
/// `<`, else the first line.
fn find_end_of_turn(rest: &str) -> Option<String> {
    let rest = rest.trim_start();
    let token = match rest.find('>') {
        Some(end) if rest.starts_with('<') => &rest[..=end],
        _ => rest.lines().next()?,
    };
    Some(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    const CODES: [&str; 2] = ["th", "en"];

    /// Makes a directory with this tokenizer_config.json, and with this chat_template.jinja unless it is empty.
    fn directory(config: &serde_json::Value, jinja: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("a file");
        write("tokenizer_config.json", &config.to_string());
        if !jinja.is_empty() {
            write("chat_template.jinja", jinja);
        }
        directory
    }

    fn open(config: &serde_json::Value, jinja: &str) -> Option<ChatTemplate> {
        ChatTemplate::from_directory(directory(config, jinja).path()).expect("settings")
    }

    #[test]
    fn prompts_and_ends_are_those_of_transformers() {
        let golden = std::fs::read(Path::new(ROOT).join("chat.json")).expect("the golden file");
        let golden: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&golden).expect("the golden file");
        for (name, expected) in golden {
            let text = std::fs::read_to_string(Path::new(ROOT).join(format!("chat/{name}.jinja"))).expect("a template");
            let mut config = expected["tokens"].clone();
            let render = |config: &serde_json::Value, text: &str| {
                let template = open(config, text).expect("a template");
                template.render_conversation(CODES).expect("a conversation")
            };
            let of_file = render(&config, &text);
            assert_eq!(Some(of_file.text.as_str()), expected["prompt"].as_str(), "{name}");
            assert_eq!(
                of_file.end_of_turn.as_deref(),
                expected["end"].as_str().map(str::trim),
                "{name}"
            );
            assert_eq!(of_file.makes_request, name == "translategemma", "{name}");
            config["chat_template"] = text.into();
            assert_eq!(render(&config, ""), of_file, "{name}");
        }
    }

    #[test]
    fn the_default_of_several_is_taken_and_a_file_comes_first() {
        let config = serde_json::json!({"chat_template": [
            {"name": "tool_use", "template": "tools"},
            {"name": "default", "template": "<{{ messages[0].content }}>"},
        ]});
        let text = |jinja: &str| {
            let template = open(&config, jinja).expect("a template");
            template.render_conversation(CODES).expect("a conversation").text
        };
        assert_eq!(text(""), "<{prompt}>");
        assert_eq!(text("[{{ messages[0].content }}]"), "[{prompt}]");
        assert!(open(&serde_json::json!({}), "").is_none());
        assert!(open(&serde_json::json!({"chat_template": null}), "").is_none());
    }

    #[test]
    fn what_cannot_be_rendered_is_told_with_its_place() {
        let cases = [
            (
                "{{ raise_exception('no ' + 'system') }}",
                "line 1",
                "rendered: no system",
            ),
            ("a\n{% if %}", "line 2", "rendered: "),
            (
                "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
                "line 1",
                "rendered: it takes more steps",
            ),
            ("{{ messages[0].content | frobnicate }}", "line 1", "frobnicate"),
            ("{{ strftime_now('%') }}", "line 1", "rendered: "),
            ("Hello", "", "does not hold the request once"),
            (
                "{{ messages[0].content }}{{ messages[0].content }}",
                "",
                "does not hold the request once",
            ),
        ];
        for (text, place, message) in cases {
            let error = open(&serde_json::json!({"chat_template": text}), "")
                .expect("a template")
                .render_conversation(CODES)
                .expect_err(text);
            assert_eq!(error.kind, crate::error::ErrorKind::Model, "{text}");
            let found = error.place.clone().unwrap_or_default();
            assert_eq!(found, format!("chat_template {place}").trim_end(), "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
            assert!(error.path.is_some_and(|path| path.ends_with("tokenizer_config.json")) && error.hint.is_some());
        }
        let error = open(&serde_json::json!({}), "Hello")
            .expect("a template")
            .render_conversation(CODES)
            .expect_err("no request");
        assert!(error.place.is_none() && error.path.is_some_and(|path| path.ends_with("chat_template.jinja")));
    }

    #[test]
    fn the_date_is_todays() {
        let template = open(
            &serde_json::json!({}),
            "{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}",
        );
        let chat = template
            .expect("a template")
            .render_conversation(CODES)
            .expect("a conversation")
            .text;
        let year = jiff::Zoned::now().year();
        assert!(
            chat.ends_with(" {prompt}") && chat.len() == "01 Jan 2030 {prompt}".len(),
            "{chat}"
        );
        assert!(
            chat.contains(&year.to_string()) || chat.contains(&(year - 1).to_string()),
            "{chat}"
        );
    }
}

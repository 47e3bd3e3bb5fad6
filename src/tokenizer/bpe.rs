//! The BPE kind of GGUF vocabulary: merges of bytes within words, by the `tokenizers` crate.

use super::json::Json;
use super::pieces::Role;
use crate::error::{Error, Result};
use crate::model::weights::gguf::Gguf;
use candle_core::quantized::gguf_file::Value;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

/// How a family cuts text into the words that merges stay within.
#[derive(Clone, Copy)]
struct Family {
    /// What `tokenizer.ggml.pre` calls it.
    names: &'static [&'static str],
    /// One after the other, each within the parts that the ones before left.
    patterns: &'static [&'static str],
    /// Whether characters are composed first, which llama.cpp leaves out.
    composes: bool,
    /// Whether a word that is a token is taken whole, whatever the merges say.
    whole_words: bool,
    /// Whether decoded text has no space before punctuation (`clean_up_tokenization_spaces`).
    cleans_up: bool,
    /// Whether a prompt opens with the begin token where the file does not say.
    opens: bool,
}

const PLAIN: Family = Family {
    names: &[],
    patterns: &[],
    composes: false,
    whole_words: false,
    cleans_up: false,
    opens: false,
};

macro_rules! gpt4 {
    ($digits:literal) => {
        concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|",
            $digits,
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
    };
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The families whose models translate, with the patterns of their tokenizer.json; `default` is what llama.cpp has for files that name none.
const FAMILIES: [Family; 8] = [
    Family {
        names: &["qwen2"],
        patterns: &[gpt4!(r"\p{N}")],
        composes: true,
        ..PLAIN
    },
    Family {
        names: &["hunyuan", "megrez"],
        patterns: &[gpt4!(r"\p{N}")],
        ..PLAIN
    },
    Family {
        names: &["hunyuan-dense", "deepseek-v3"],
        patterns: &[
            r"\p{N}{1,3}",
            "[一-龥\u{3040}-ゟ゠-ヿ]+",
            concat!(
                r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
                r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            ),
        ],
        ..PLAIN
    },
    Family {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3"],
        patterns: &[gpt4!(r"\p{N}{1,3}")],
        whole_words: true,
        cleans_up: true,
        opens: true,
        ..PLAIN
    },
    Family {
        names: &["tekken"],
        patterns: &[concat!(
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
            r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
            r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )],
        whole_words: true,
        opens: true,
        ..PLAIN
    },
    Family {
        names: &["gpt-2", "gpt2", "phi-2", "trillion"],
        patterns: &[GPT2],
        ..PLAIN
    },
    Family {
        names: &["starcoder", "command-r", "smollm", "exaone", "minerva-7b"],
        patterns: &[r"\p{N}", GPT2],
        ..PLAIN
    },
    Family {
        names: &["default"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
        cleans_up: true,
        ..PLAIN
    },
];

/// Builds the tokenizer from a GGUF file's `tokenizer.ggml.*` metadata, whose `model` is `gpt2`.
///
/// # Errors
/// Of kind `Model` where the vocabulary is missing or inconsistent, or cut into words in a way that is not known.
pub fn from_gguf(gguf: &Gguf) -> Result<Json> {
    let fail = |place: &str, message: String| Error::model(message).path(gguf.path()).place(place.to_owned());
    let pre = gguf.string("tokenizer.ggml.pre").unwrap_or("default");
    let family = FAMILIES.iter().find(|family| family.names.contains(&pre));
    let family = family.ok_or_else(|| {
        let known: Vec<&str> = FAMILIES
            .iter()
            .filter_map(|family| family.names.first().copied())
            .collect();
        fail(
            "tokenizer.ggml.pre",
            format!("no way is known to cut words as `{pre}` does"),
        )
        .hint(format!(
            "known are {}; the model's safetensors carry their own way",
            known.join(", ")
        ))
    })?;
    let tokens = gguf.array("tokenizer.ggml.tokens")?;
    let types = gguf.array("tokenizer.ggml.token_type")?;
    if types.len() != tokens.len() {
        let message = format!("{} tokens, {} types", tokens.len(), types.len());
        return Err(fail("tokenizer.ggml.tokens", message));
    }
    let mut vocabulary = Vocab::with_capacity(tokens.len());
    let mut added = Vec::new();
    for (index, (token, kind)) in tokens.iter().zip(types).enumerate() {
        let place = || format!("token {index}");
        let (Value::String(text), Ok(kind)) = (token, kind.to_i32()) else {
            return Err(fail(&place(), "has a text or type of the wrong kind".into()));
        };
        let id = u32::try_from(index).map_err(|_| fail(&place(), "too many tokens".into()))?;
        let role = Role::numbered(u64::try_from(kind).unwrap_or_default());
        if role == Role::Unused {
            continue;
        }
        let first = *vocabulary.entry(text.clone()).or_insert(id) == id;
        if first && matches!(role, Role::Control | Role::UserDefined | Role::Unknown) {
            let special = role != Role::UserDefined;
            added.push(AddedToken::from(text.clone(), special).normalized(false));
        }
    }
    let mut merges = Vec::new();
    for (index, merge) in gguf.array("tokenizer.ggml.merges")?.iter().enumerate() {
        let pair = merge.to_string().ok().and_then(|merge| merge.split_once(' '));
        let (left, right) = pair.ok_or_else(|| fail(&format!("merge {index}"), "is not two tokens".into()))?;
        merges.push((left.to_owned(), right.to_owned()));
    }
    let find = |key: &str| gguf.integer(key).filter(|id| *id < tokens.len()).map(|id| id as u32);
    let opens = gguf.boolean("tokenizer.ggml.add_bos_token").unwrap_or(family.opens);
    let bos = find("tokenizer.ggml.bos_token_id").filter(|_| opens);
    let inner = build(*family, vocabulary, merges, added);
    let inner = inner.map_err(|e| fail("tokenizer.ggml.merges", "do not fit the tokens".into()).source(e))?;
    Ok(Json::new(inner, family.cleans_up).with_bos(bos))
}

fn build(
    family: Family,
    vocabulary: Vocab,
    merges: Vec<(String, String)>,
    added: Vec<AddedToken>,
) -> tokenizers::Result<Tokenizer> {
    let model = BPE::builder().vocab_and_merges(vocabulary, merges);
    let mut inner = Tokenizer::new(model.ignore_merges(family.whole_words).build()?);
    if family.composes {
        inner.with_normalizer(Some(NFC))?;
    }
    let mut cuts: Vec<PreTokenizerWrapper> = Vec::new();
    for pattern in family.patterns {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        cuts.push(Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into());
    }
    cuts.push(ByteLevel::new(false, true, false).into());
    inner.with_pre_tokenizer(Some(Sequence::new(cuts)));
    inner.with_decoder(Some(ByteLevel::default()));
    inner.add_tokens(added)?;
    Ok(inner)
}

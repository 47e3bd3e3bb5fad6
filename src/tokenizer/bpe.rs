//! Byte-level BPE tokenizers from GGUF metadata (`tokenizer.ggml.model` is `gpt2`), run by the `tokenizers` crate.

use super::gguf_vocabulary::{GgufVocabulary, token_id};
use super::json::TokenizerJson;
use super::pieces::PieceType;
use crate::error::{Error, Result};
use crate::model::weights::gguf::GgufFile;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

/// The rules by which a family of models cuts text into words before merging. Merges never cross a word boundary.
#[derive(Clone, Copy)]
struct PreTokenizer {
    /// The names of the pre-tokenizer in `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    /// Regular expressions that match words, applied one after another. Each cuts the parts that the one before left
    /// over.
    patterns: &'static [&'static str],
    /// Whether the text is first normalised to Unicode NFC. transformers does so, llama.cpp does not.
    nfc: bool,
    /// Whether a word that is itself a token becomes that token without merging.
    ignore_merges: bool,
    /// Whether decoding drops spaces before punctuation (`clean_up_tokenization_spaces`).
    cleans_up: bool,
    /// Whether a prompt opens with the begin token (BOS) if the GGUF file does not say so.
    adds_bos: bool,
}

/// Default values for the fields of a pre-tokenizer; each entry of [`PRE_TOKENIZERS`] overrides some of them.
const PLAIN_PRE_TOKENIZER: PreTokenizer = PreTokenizer {
    names: &[],
    patterns: &[],
    nfc: false,
    ignore_merges: false,
    cleans_up: false,
    adds_bos: false,
};

/// The word pattern of GPT-4, with another pattern for digits inserted.
macro_rules! gpt4 {
    ($digits:literal) => {
        concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|",
            $digits,
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
    };
}

/// The word pattern of GPT-2.
const GPT2_PATTERN: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The pre-tokenizers of models that can translate, with the patterns of their tokenizer.json. The entry `default` is
/// what llama.cpp uses for files that name no pre-tokenizer.
const PRE_TOKENIZERS: [PreTokenizer; 8] = [
    PreTokenizer {
        names: &["qwen2"],
        patterns: &[gpt4!(r"\p{N}")],
        nfc: true,
        ..PLAIN_PRE_TOKENIZER
    },
    PreTokenizer {
        names: &["hunyuan", "megrez"],
        patterns: &[gpt4!(r"\p{N}")],
        ..PLAIN_PRE_TOKENIZER
    },
    PreTokenizer {
        names: &["hunyuan-dense", "deepseek-v3"],
        patterns: &[
            r"\p{N}{1,3}",
            "[一-龥\u{3040}-ゟ゠-ヿ]+",
            concat!(
                r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
                r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            ),
        ],
        ..PLAIN_PRE_TOKENIZER
    },
    PreTokenizer {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3"],
        patterns: &[gpt4!(r"\p{N}{1,3}")],
        ignore_merges: true,
        cleans_up: true,
        adds_bos: true,
        ..PLAIN_PRE_TOKENIZER
    },
    PreTokenizer {
        names: &["tekken"],
        patterns: &[concat!(
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
            r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
            r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )],
        ignore_merges: true,
        adds_bos: true,
        ..PLAIN_PRE_TOKENIZER
    },
    PreTokenizer {
        names: &["gpt-2", "gpt2", "phi-2", "trillion"],
        patterns: &[GPT2_PATTERN],
        ..PLAIN_PRE_TOKENIZER
    },
    PreTokenizer {
        names: &["starcoder", "command-r", "smollm", "exaone", "minerva-7b"],
        patterns: &[r"\p{N}", GPT2_PATTERN],
        ..PLAIN_PRE_TOKENIZER
    },
    PreTokenizer {
        names: &["default"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2_PATTERN, r"\p{N}+", "[0-9][0-9][0-9]"],
        cleans_up: true,
        ..PLAIN_PRE_TOKENIZER
    },
];

/// Builds the tokenizer from the `tokenizer.ggml.*` metadata of a GGUF file.
///
/// # Errors
/// Kind `Model` if the vocabulary is missing or inconsistent, or its pre-tokenizer is unknown.
pub fn from_gguf(gguf: &GgufFile) -> Result<TokenizerJson> {
    let fail = |place: &str, message: String| Error::model(message).path(gguf.path()).place(place.to_owned());
    let pre = gguf.read_string("tokenizer.ggml.pre").unwrap_or("default");
    let found = PRE_TOKENIZERS.iter().find(|known| known.names.contains(&pre));
    let pre_tokenizer = found.ok_or_else(|| {
        let known: Vec<&str> = PRE_TOKENIZERS
            .iter()
            .filter_map(|known| known.names.first().copied())
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
    let GgufVocabulary { texts, types, .. } = GgufVocabulary::read(gguf)?;
    let mut vocabulary = Vocab::with_capacity(texts.len());
    let mut added = Vec::new();
    for (id, (text, piece_type)) in (0..).zip(texts.iter().zip(types)) {
        if piece_type == PieceType::Unused {
            continue;
        }
        let first = *vocabulary.entry((*text).to_owned()).or_insert(id) == id;
        if first
            && matches!(
                piece_type,
                PieceType::Control | PieceType::UserDefined | PieceType::Unknown
            )
        {
            let special = piece_type != PieceType::UserDefined;
            added.push(AddedToken::from((*text).to_owned(), special).normalized(false));
        }
    }
    let mut merges = Vec::new();
    for (index, merge) in gguf.read_array("tokenizer.ggml.merges")?.iter().enumerate() {
        let pair = merge.as_text().and_then(|merge| merge.split_once(' '));
        let (left, right) = pair.ok_or_else(|| fail(&format!("merge {index}"), "is not two tokens".into()))?;
        merges.push((left.to_owned(), right.to_owned()));
    }
    let adds_bos = gguf
        .read_boolean("tokenizer.ggml.add_bos_token")
        .unwrap_or(pre_tokenizer.adds_bos);
    let bos = token_id(gguf, "bos_token_id", texts.len())?;
    if adds_bos && bos.is_none() {
        return Err(fail(
            "key tokenizer.ggml.bos_token_id",
            "missing; prompts of this model open with a begin token".to_owned(),
        )
        .hint("the conversion to GGUF is not whole; take another file of the model"));
    }
    let bos = bos.filter(|_| adds_bos);
    let inner = build_tokenizer(*pre_tokenizer, vocabulary, merges, added);
    let inner = inner.map_err(|e| fail("tokenizer.ggml.merges", "do not fit the tokens".into()).source(e))?;
    let tokenizer = TokenizerJson::new(inner, pre_tokenizer.cleans_up).map_err(|e| e.path(gguf.path()))?;
    Ok(tokenizer.for_decoder_only(bos))
}

/// Builds a tokenizer of the `tokenizers` crate from its parts.
fn build_tokenizer(
    pre_tokenizer: PreTokenizer,
    vocabulary: Vocab,
    merges: Vec<(String, String)>,
    added: Vec<AddedToken>,
) -> tokenizers::Result<Tokenizer> {
    let model = BPE::builder().vocab_and_merges(vocabulary, merges);
    let mut inner = Tokenizer::new(model.ignore_merges(pre_tokenizer.ignore_merges).build()?);
    if pre_tokenizer.nfc {
        inner.with_normalizer(Some(NFC))?;
    }
    let mut cuts: Vec<PreTokenizerWrapper> = Vec::new();
    for pattern in pre_tokenizer.patterns {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        cuts.push(Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into());
    }
    cuts.push(ByteLevel::new(false, true, false).into());
    inner.with_pre_tokenizer(Some(Sequence::new(cuts)));
    inner.with_decoder(Some(ByteLevel::default()));
    inner.add_tokens(added)?;
    Ok(inner)
}

//! Translation: many sentences in, as many translations out, in the same order.

mod consensus;
mod identity;
mod join;
mod prompt;
mod recall;

use crate::catalog;
use crate::catalog::manifest::Languages;
use crate::catalog::manifest::Prompt;
use crate::catalog::{Located, Manifest};
use crate::decode::{Generation, Hypothesis, Sampling, SearchOptions, search};
pub use crate::document::Quality;
use crate::document::{Finish, Flag, Header, Parameters, Similar};
use crate::error::{Error, Kind, Result};
pub use crate::model::DeviceChoice;
use crate::model::weights::gguf::Gguf;
use crate::model::{
    Activations, Architecture, Computation, OutputIds, State, TranslationModel, decoder, device, seq2seq,
};
use crate::quality;
use crate::thai::split::split_to_fit;
use crate::thai::{has_thai, normalise};
use crate::tokenizer::{ChatTemplate, Tokenizer};
use candle_core::{DType, Device};
use consensus::consensus;
pub use identity::{Identity, identity};
use join::join;
use prompt::{Encoded, Prompter, bare, unescape};
pub use recall::Recaller;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Rows, a beam each, decoded together at most on a CPU: past this it gains nothing.
const MAX_ROWS: usize = 64;
/// The same on a GPU, which has idle units below it.
const MAX_GPU_ROWS: usize = 256;
/// Source tokens decoded together by default.
const BATCH_TOKENS: usize = 2048;
/// The same for a decoder-only model, which keeps more of each; with more rows it is no faster.
const DECODER_BATCH_TOKENS: usize = 1536;
const GPU_BATCH_TOKENS: usize = 16_384;
/// Source tokens above which a sentence is translated in parts, whatever the model's own limit: few are that long, and what
/// models write of them is poor.
const MAX_SOURCE: usize = 512;
/// The same for a record of ids, which is of one search: what attention has memory for.
const MAX_RECORDED: usize = 4096;

/// Characters from which a source is tried in parts where its output is poor: shorter ones are hardly more than a clause.
const DIVIDE_FROM: usize = 70;

/// The least beam of an encoder-decoder model at its best: wider ones hardly differ.
const BEST_BEAM: usize = 8;
/// Outputs that are drawn of a decoder-only model at its best, and how (tuned on FLORES dev, lines 1 to 500, with gemma-3-270m).
const DRAWS: usize = 8;
const SAMPLING: Sampling = Sampling {
    seed: 0,
    temperature: 0.5,
    top_k: 0,
    top_p: 1.0,
    streams: &[],
};

/// What one unit of an output's mean log-probability counts beside its chrF2 with the others, from 0 to 1.
const OWN_SCORE: f64 = 0.1;

/// The number format that a model computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// `int8` for a GGUF file; otherwise `f32` on a CPU and `bf16` on a GPU, `f32` on one that has no bfloat16 (NVIDIA's
    /// before Ampere). Never `f16`.
    #[default]
    Auto,
    /// Nothing is rounded but the weights of a quantized file, which are what they are: slow, for reference.
    F32,
    /// Matrices and products of encoder-decoder models in bfloat16; on a CPU the matrices alone, to halve their memory.
    Bf16,
    /// Likewise in float16, whose range is too small for T5.
    F16,
    /// Activations in 8 bits; a quantized file's own weights, others in 8 bits. On a CPU only.
    Int8,
}

/// Which tokens an output may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vocabulary {
    /// `English` for a model fetched by its name, `Full` for files of the user's own, which may be anything.
    #[default]
    Auto,
    /// All of the model's.
    Full,
    /// What English text can use, and every single character: no pieces of other scripts, nor what the target's own tokenizer
    /// does not have. The others are not computed.
    English,
}

/// How sentences are decoded. `None` stands for the model's own default.
#[derive(Clone, Debug, Default)]
pub struct DecodeOptions {
    /// What stands for a search where nothing else is said.
    pub quality: Quality,
    /// Beam width; 1 is greedy search.
    pub beam: Option<usize>,
    /// The most output tokens for one sentence; by default twice its source tokens and 24, within the model's limit;
    /// with `ids`, for an encoder-decoder, what its own files say.
    pub max_tokens: Option<usize>,
    /// Output tokens before an end is allowed; by default what the model's own files say, else 0.
    pub min_tokens: Option<usize>,
    /// Source tokens decoded together; default 2048, for a decoder-only model 1536, on a GPU 16384. What does not fit into a GPU's memory is divided.
    pub batch_tokens: Option<usize>,
    /// Give the model normalised text; default true.
    pub normalize: Option<bool>,
    /// Replaces the request in the manifest's prompt of a decoder-only model; for a model without a manifest it is all that
    /// stands around a text, and ends an output at its first newline if it has newlines itself. Must hold `{text}`.
    pub prompt: Option<String>,
    /// Keep the ids that went in and came out. The record is then of one plain search: no length is expected, a bad or improbable output
    /// is not tried again, and a source is divided only where it is longer than the model, or 4096 tokens; for a decoder-only model,
    /// where `max_tokens` would no longer fit after it.
    pub ids: bool,
}

/// One sentence's translation.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    pub text: String,
    /// Mean natural log-probability of the output tokens.
    pub score: Option<f64>,
    pub finish: Finish,
    pub flags: Vec<Flag>,
    /// What a person made of a similar sentence: of a memory only, with [`Flag::Similar`].
    pub similar: Option<Similar>,
    pub source_ids: Option<Vec<u32>>,
    pub target_ids: Option<Vec<u32>>,
    /// Tokens of the source text, the prompt left out; 0 where it was copied.
    pub source_tokens: usize,
    /// Tokens written.
    pub target_tokens: usize,
}

impl Translation {
    /// What a source without Thai becomes: itself.
    pub(crate) fn copy(source: &str, options: &DecodeOptions) -> Self {
        Self {
            text: source.to_owned(),
            score: None,
            finish: Finish::Copy,
            flags: if source.trim().is_empty() {
                Vec::new()
            } else {
                vec![Flag::NoThai]
            },
            similar: None,
            source_ids: options.ids.then(Vec::new),
            target_ids: options.ids.then(Vec::new),
            source_tokens: 0,
            target_tokens: 0,
        }
    }
}

/// How far a call has come; sentences that need no model count as done from the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
    /// Output tokens written so far.
    pub tokens: usize,
}

/// Told of progress; `Break` ends the call with an error of kind `Interrupted`.
pub type Observer<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Given translations as soon as they stand, each with the number of its source; a failure ends the call.
pub type Receiver<'a> = &'a mut dyn FnMut(&[(usize, Translation)]) -> Result<()>;

/// Called after each batch with all jobs and the numbers of those that it decoded; tells how many sources are done by it.
type Done<'a> = &'a mut dyn FnMut(&mut [Job], &[usize]) -> Result<usize>;

/// A loaded model with its tokenizer.
pub struct Translator {
    model: Box<dyn TranslationModel>,
    tokenizer: Tokenizer,
    manifest: Manifest,
    /// How the model's own files want it searched.
    generation: Generation,
    /// Where the model's files are, for messages.
    path: PathBuf,
    around: Around,
    revision: Option<String>,
    device: Device,
    precision: String,
    /// Ids of the fixed beginnings of the prompt's requests, and the states after them: computed once, read by every sentence.
    shared: Mutex<Vec<(Vec<u32>, State)>>,
    /// Which model this is, found out where a memory asks.
    identity: OnceLock<Identity>,
}

/// What each source stands in.
enum Around {
    /// The prompt of a decoder-only model: its manifest's, else one that is made of its own files' chat template, if any.
    Prompt(Option<ChatTemplate>),
    /// The language tokens of an encoder-decoder; `end` closes a source.
    Languages { languages: Languages, end: Option<u32> },
}

/// A text for the model, and the sources that it stands for.
struct Job {
    text: String,
    encoded: Encoded,
    max_tokens: usize,
    /// The sources that wait for it, each as often as it has the text.
    users: Vec<usize>,
    /// What the last search found: as many as were drawn.
    found: Vec<Hypothesis>,
    result: Option<Hypothesis>,
    /// What was wrong with the first result, while a second is tried.
    flags: Vec<Flag>,
    /// The jobs of its parts, where their results stand for its own.
    parts: Vec<usize>,
}

impl Job {
    /// The fixed beginning that other jobs have too, and the ids after it.
    fn ids(&self) -> (&[u32], &[u32]) {
        self.encoded.ids.split_at(self.encoded.shared)
    }

    /// A number of its own for random draws, whatever it is batched with: FNV-1a of its text.
    fn stream(&self) -> u64 {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
    }
}

/// One search over many jobs.
struct Pass<'a> {
    options: SearchOptions<'a>,
    /// Outputs that are drawn of each job.
    draws: usize,
    /// Source tokens decoded together.
    budget: usize,
    /// Whether a job is done as soon as its row is, for all that is known before.
    last: bool,
}

/// What becomes of one source.
enum Plan {
    Copy,
    /// These jobs, joined by spaces.
    Jobs(Vec<usize>),
}

impl Translator {
    /// Loads a model's weights and tokenizer.
    ///
    /// # Errors
    /// Of kind `Usage` for a device or precision that this build or this model does not have, of kind `Model` for
    /// files that are damaged or do not fit together.
    pub fn load(located: &Located, device: DeviceChoice, precision: Precision, vocabulary: Vocabulary) -> Result<Self> {
        let english = match vocabulary {
            Vocabulary::Auto => located.revision.is_some(),
            Vocabulary::Full => false,
            Vocabulary::English => true,
        };
        let gguf = located
            .path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if gguf {
            Self::load_gguf(located, device, precision, english)
        } else {
            Self::load_directory(located, device, precision, english)
        }
    }

    fn load_gguf(located: &Located, device: DeviceChoice, precision: Precision, english: bool) -> Result<Self> {
        let path = &located.path;
        if !matches!(device, DeviceChoice::Auto | DeviceChoice::Cpu) {
            return Err(Error::usage("GGUF files run on the CPU only").hint("use --device cpu, or auto"));
        }
        let activations = match precision {
            Precision::Auto | Precision::Int8 => Activations::Int8,
            Precision::F32 => Activations::F32,
            Precision::Bf16 | Precision::F16 => {
                return Err(Error::usage("a GGUF file has no 16-bit form on the CPU")
                    .hint("use --precision int8, which auto stands for here, or f32, slower and without rounding"));
            }
        };
        let gguf = Gguf::open(path)?;
        let tokenizer = Tokenizer::from_gguf(&gguf)?;
        let chosen = english.then(|| tokenizer.english_ids());
        let model = decoder::from_gguf(&gguf, chosen, activations)?;
        if tokenizer.len() > model.spec().vocabulary {
            let message = format!("{} tokens for {} embeddings", tokenizer.len(), model.spec().vocabulary);
            return Err(Error::model(message).path(path).place("tokenizer.ggml.tokens"));
        }
        Ok(Self {
            model,
            tokenizer,
            around: Around::Prompt(ChatTemplate::from_gguf(&gguf)),
            generation: Generation::default(),
            path: path.clone(),
            manifest: located.manifest.clone(),
            revision: located.revision.clone(),
            device: Device::Cpu,
            precision: match activations {
                Activations::Int8 => gguf.file_type().to_owned(),
                Activations::F32 => format!("{} in f32", gguf.file_type()),
            },
            shared: Mutex::default(),
            identity: OnceLock::new(),
        })
    }

    fn load_directory(located: &Located, device: DeviceChoice, precision: Precision, english: bool) -> Result<Self> {
        let (path, architecture) = (&located.path, located.manifest.architecture);
        let config = catalog::read_json(&path.join("config.json"))?;
        let model_type = config["model_type"].as_str().unwrap_or_default();
        let generation = path.join("generation_config.json");
        let generation = if generation.exists() {
            Some(catalog::read_json(&generation)?)
        } else {
            None
        };
        let generation = Generation::read(path, &config, generation.as_ref())?;
        let tokenizer = Tokenizer::from_directory(path, model_type)?;
        if architecture.is_decoder_only() {
            return Self::load_decoder(located, device, precision, english, &config, generation, tokenizer);
        }
        let device = device.open()?;
        let (computation, precision) = computation(architecture, &device, precision)?;
        let languages = languages(located, &tokenizer)?;
        let id = |token: &str| {
            tokenizer.token_to_id(token).ok_or_else(|| {
                Error::model(format!("the vocabulary has no language token `{token}`"))
                    .path(path)
                    .hint("the model's tokenizer files are not whole, or it does not know Thai and English")
            })
        };
        let first = languages
            .decoder_token
            .as_deref()
            .map(id)
            .transpose()?
            .or(generation.forced_first);
        if let Some(token) = &languages.encoder_token {
            id(token)?;
        }
        let start = generation.start.into_iter().chain(first).collect();
        let ids = OutputIds {
            start,
            end: generation.end.clone(),
            allowed: english.then(|| tokenizer.english_ids()),
        };
        let model =
            seq2seq::from_directory(path, architecture, &config, ids, computation).map_err(|error| {
                match error.kind {
                    Kind::Memory => error
                        .path(path)
                        .hint("use a smaller model, --precision bf16 if it is not that already, or --device cpu"),
                    _ => error,
                }
            })?;
        Ok(Self {
            model,
            around: Around::Languages {
                // The source's end is the tokenizer's own, which the model's may differ from.
                end: tokenizer.token_to_id("</s>"),
                languages,
            },
            tokenizer,
            generation,
            path: path.clone(),
            manifest: located.manifest.clone(),
            revision: located.revision.clone(),
            device,
            precision: precision.to_owned(),
            shared: Mutex::default(),
            identity: OnceLock::new(),
        })
    }

    /// A decoder-only model from a Hub repository's files.
    fn load_decoder(
        located: &Located,
        device: DeviceChoice,
        precision: Precision,
        english: bool,
        config: &serde_json::Value,
        generation: Generation,
        tokenizer: Tokenizer,
    ) -> Result<Self> {
        let (path, manifest) = (&located.path, &located.manifest);
        if !matches!(device, DeviceChoice::Auto | DeviceChoice::Cpu) {
            return Err(Error::usage("decoder-only models run on the CPU only").hint("use --device cpu, or auto"));
        }
        let (activations, precision) = match precision {
            Precision::Auto | Precision::F32 => (Activations::F32, "f32"),
            Precision::Int8 => (Activations::Int8, "int8"),
            Precision::Bf16 | Precision::F16 => {
                return Err(Error::usage("decoder-only models have no 16-bit form on the CPU")
                    .hint("use --precision int8, a quarter of the memory of f32, which auto stands for"));
            }
        };
        let ids = OutputIds {
            start: Vec::new(),
            end: generation.end.clone(),
            allowed: english.then(|| tokenizer.english_ids()),
        };
        let model = decoder::from_directory(path, manifest.architecture, config, ids, activations)?;
        Ok(Self {
            model,
            around: Around::Prompt(ChatTemplate::from_directory(path)?),
            tokenizer,
            generation,
            path: path.clone(),
            manifest: manifest.clone(),
            revision: located.revision.clone(),
            device: Device::Cpu,
            precision: precision.to_owned(),
            shared: Mutex::default(),
            identity: OnceLock::new(),
        })
    }

    /// What a decoder-only model is asked: the manifest's prompt, whose request the caller may replace; else the caller's prompt as
    /// it is; else that of the model's chat template; else, to a model that only goes on with a text, examples.
    fn request(&self, chat: Option<&ChatTemplate>, options: &DecodeOptions) -> Result<Cow<'_, Prompt>> {
        match (&self.manifest.prompt, &options.prompt, chat) {
            (Some(prompt), _, _) => Ok(Cow::Borrowed(prompt)),
            (None, Some(text), _) => Ok(Cow::Owned(bare(text))),
            (None, None, Some(chat)) => chat.prompt().map(Cow::Owned),
            (None, None, None) => Prompt::few_shot().map(Cow::Owned),
        }
    }

    fn prompter(&self, options: &DecodeOptions) -> Result<Prompter> {
        match &self.around {
            Around::Prompt(chat) => {
                let prompt = self.request(chat.as_ref(), options)?;
                Prompter::new(&prompt, options.prompt.as_deref(), &self.tokenizer)
            }
            Around::Languages { .. } if options.prompt.is_some() => {
                Err(Error::usage("an encoder-decoder model takes no prompt").hint("take --prompt away"))
            }
            Around::Languages { languages, end } => {
                let first = languages
                    .encoder_token
                    .as_deref()
                    .and_then(|token| self.tokenizer.token_to_id(token));
                let prefix = languages.prefix.as_deref().unwrap_or_default();
                Ok(Prompter::for_encoder(prefix, first, *end, &self.tokenizer))
            }
        }
    }

    /// Translates each source on its own; as many results as sources, in their order.
    ///
    /// A source without Thai is copied. Equal sources are decoded once. What is too long for the model is translated in
    /// parts and flagged. An output that is empty, cut or repeats itself is tried once more without repeated phrases (not with
    /// [`Quality::Fast`]), and flagged if it stays so.
    ///
    /// # Errors
    /// Of kind `Usage` for a prompt without `{text}`, of kind `Input` for a text with a token that the model has no embedding
    /// for, of kind `Interrupted` after the observer's `Break`, and the model's.
    pub fn translate(&self, sources: &[&str], options: &DecodeOptions, observer: Observer) -> Result<Vec<Translation>> {
        self.translate_each(sources, options, observer, &mut |_| Ok(()))
    }

    /// The same, and after each batch hands to `receiver` what is finished with it: all but the copies.
    ///
    /// # Errors
    /// Those of [`Self::translate`] and those of `receiver`.
    pub fn translate_each(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        observer: Observer,
        receiver: Receiver,
    ) -> Result<Vec<Translation>> {
        let prompter = self.prompter(options)?;
        let (plans, mut jobs) = self.plan(sources, options, &prompter)?;
        let decoding = &self.manifest.decoding;
        let wanted = &self.generation;
        let plain = SearchOptions {
            beam: self.beam(options),
            min_tokens: options.min_tokens.unwrap_or(match self.model.spec().start[..] {
                // The older setting counts what a decoder-only model has read, which is enough.
                [] => wanted.min_new_tokens.unwrap_or(0),
                _ => wanted.min_tokens(),
            }),
            length_prior: if options.ids { 0.0 } else { decoding.length_prior },
            length_penalty: wanted.length_penalty.unwrap_or(decoding.length_penalty),
            early_stopping: wanted.early_stopping,
            no_repeat_ngram: wanted.no_repeat_ngram.unwrap_or(decoding.no_repeat_ngram),
            repetition_penalty: wanted.repetition_penalty.unwrap_or(decoding.repetition_penalty),
            bad_words: &wanted.bad_words,
            suppress: &wanted.suppress,
            begin_suppress: &wanted.begin_suppress,
            forced_end: &wanted.forced_end,
            renormalize: wanted.renormalize,
            stop: prompter.stop(),
            loop_guard: options.max_tokens.is_none() && !options.ids,
            ..SearchOptions::default()
        };
        let copies = plans.iter().filter(|plan| matches!(plan, Plan::Copy)).count();
        let mut progress = Progress {
            done: copies,
            total: sources.len(),
            tokens: 0,
        };
        if observer(progress).is_break() {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        let joint = self.model.spec().is_decoder_only();
        let best = options.quality == Quality::Best && joint;
        let all: Vec<usize> = (0..jobs.len()).collect();
        let budget = options
            .batch_tokens
            .unwrap_or(match (&self.around, self.device.is_cpu()) {
                (Around::Prompt(_), _) => DECODER_BATCH_TOKENS,
                (_, true) => BATCH_TOKENS,
                (_, false) => GPU_BATCH_TOKENS,
            });
        let mut results: Vec<Option<Translation>> = vec![None; sources.len()];
        let mut waiting: Vec<usize> = plans
            .iter()
            .map(|plan| match plan {
                Plan::Copy => 0,
                Plan::Jobs(numbers) => numbers.len(),
            })
            .collect();
        let mut settle = |jobs: &[Job], settled: &[usize]| {
            let mut ready = Vec::new();
            for source in settled.iter().flat_map(|job| &jobs[*job].users) {
                waiting[*source] -= 1;
                if let (0, Plan::Jobs(numbers)) = (waiting[*source], &plans[*source]) {
                    ready.push((
                        *source,
                        self.finish(sources[*source], numbers, jobs, &prompter, options),
                    ));
                }
            }
            receiver(&ready)?;
            let count = ready.len();
            for (source, translation) in ready {
                results[source] = Some(translation);
            }
            Ok(count)
        };
        let guarded = plain.loop_guard && options.quality != Quality::Fast;
        let least = decoding
            .divide_below
            .filter(|_| options.quality != Quality::Fast && !options.ids);
        // Whether a result is so poor that the source's parts are tried.
        let is_poor = |job: &Job| {
            let score = job.result.as_ref().map_or(0.0, Hypothesis::score);
            least.is_some_and(|least| score < least || self.is_bad(job, &prompter))
                && job.text.chars().count() >= DIVIDE_FROM
        };
        let (mut bad, mut poor): (Vec<usize>, Vec<usize>) = Default::default();
        let pass = Pass {
            options: plain.clone(),
            draws: 1,
            budget,
            last: !best && least.is_none(),
        };
        self.run(
            &mut jobs,
            all.clone(),
            &pass,
            &prompter,
            &mut progress,
            observer,
            &mut |jobs, batch| {
                let mut good = Vec::with_capacity(batch.len());
                for number in batch {
                    let job = &mut jobs[*number];
                    job.result = job.found.pop();
                    if guarded {
                        job.flags = self.flags(job, &prompter);
                    }
                    match job.flags.iter().any(|flag| flag.is_failure()) {
                        true => bad.push(*number),
                        false if is_poor(job) => poor.push(*number),
                        false => good.push(*number),
                    }
                }
                settle(jobs, if best { &[] } else { &good })
            },
        )?;
        // Whatever batches they came from, they are tried again in the same order.
        bad.sort();
        let again = SearchOptions {
            no_repeat_ngram: 3,
            // What an example says may be said.
            prompt_counts: false,
            ..plain.clone()
        };
        let pass = Pass { options: again, ..pass };
        self.run(
            &mut jobs,
            bad,
            &pass,
            &prompter,
            &mut progress,
            observer,
            &mut |jobs, batch| {
                for number in batch {
                    let job = &mut jobs[*number];
                    let first = std::mem::replace(&mut job.result, job.found.pop());
                    if self.flags(job, &prompter).len() >= job.flags.len() {
                        job.result = first;
                    }
                }
                let (worse, good): (Vec<_>, Vec<_>) = batch.iter().partition(|number| is_poor(&jobs[**number]));
                poor.extend(worse);
                settle(jobs, if best { &[] } else { &good })
            },
        )?;
        poor.sort();
        let mut divided: Vec<(usize, Vec<usize>)> = Vec::with_capacity(poor.len());
        for number in poor {
            let before = jobs.len();
            let parts = self.divide(&jobs[number], options, &prompter)?;
            jobs.extend(parts);
            divided.push((number, (before..jobs.len()).collect()));
        }
        let all_parts: Vec<usize> = divided.iter().flat_map(|(_, parts)| parts).copied().collect();
        let pass = Pass {
            options: plain.clone(),
            ..pass
        };
        self.run(
            &mut jobs,
            all_parts,
            &pass,
            &prompter,
            &mut progress,
            observer,
            &mut |jobs, batch| {
                for number in batch {
                    let job = &mut jobs[*number];
                    job.result = job.found.pop();
                }
                let mut whole = Vec::new();
                divided.retain_mut(|(number, parts)| {
                    let is_ready = parts.iter().all(|part| jobs[*part].result.is_some());
                    if is_ready {
                        whole.push(*number);
                        if self.are_better(parts, *number, jobs, &prompter) {
                            jobs[*number].parts = std::mem::take(parts);
                        }
                    }
                    !is_ready
                });
                settle(jobs, if best { &[] } else { &whole })
            },
        )?;
        if best {
            let drawn = SearchOptions {
                beam: 1,
                sampling: Some(SAMPLING),
                ..plain
            };
            let pass = Pass {
                options: drawn,
                draws: DRAWS,
                budget,
                last: true,
            };
            self.run(
                &mut jobs,
                all,
                &pass,
                &prompter,
                &mut progress,
                observer,
                &mut |jobs, batch| {
                    batch.iter().for_each(|number| self.agree(*number, jobs, &prompter));
                    settle(jobs, batch)
                },
            )?;
        }
        let copy = |source| Translation::copy(source, options);
        Ok(sources
            .iter()
            .zip(results)
            .map(|(source, result)| result.unwrap_or_else(|| copy(source)))
            .collect())
    }

    /// The jobs of the two or so parts of a job's text.
    fn divide(&self, job: &Job, options: &DecodeOptions, prompter: &Prompter) -> Result<Vec<Job>> {
        let count = |part: &str| self.tokenizer.encode(part).len();
        let ranges = split_to_fit(&job.text, (2 * count(&job.text)).div_ceil(3).max(1), &count);
        let texts = ranges.into_iter().map(|range| &job.text[range]);
        texts.map(|text| self.job(text, options, prompter)).collect()
    }

    /// Whether these parts of a job's text are translated better than it is: none of them badly, and all together more probably.
    fn are_better(&self, parts: &[usize], whole: usize, jobs: &[Job], prompter: &Prompter) -> bool {
        let results = |numbers: &[usize]| score(numbers.iter().filter_map(|number| jobs[*number].result.as_ref()));
        let is_bad = |number: &usize| self.is_bad(&jobs[*number], prompter);
        !parts.iter().any(is_bad) && (is_bad(&whole) || results(parts) > results(&[whole]))
    }

    /// Makes that of a job's outputs its result which agrees best with the others, or what its parts came to, if they were better than the
    /// first; those that are cut, empty or repeat themselves count only where all do.
    fn agree(&self, number: usize, jobs: &mut [Job], prompter: &Prompter) {
        let job = &mut jobs[number];
        let mut outputs: Vec<Hypothesis> = job
            .result
            .take()
            .into_iter()
            .chain(std::mem::take(&mut job.found))
            .collect();
        let text = |output: &Hypothesis| prompter.clean(&self.tokenizer.decode(&output.ids));
        let is_good = |output: &Hypothesis| {
            !quality::check(&job.text, &text(output), output.finish)
                .iter()
                .any(|flag| flag.is_failure())
        };
        if outputs.iter().any(is_good) {
            outputs.retain(is_good);
        }
        let mut candidates: Vec<(String, f64)> = outputs.iter().map(|output| (text(output), output.score())).collect();
        let parts = std::mem::take(&mut job.parts);
        if !parts.is_empty() {
            let texts: Vec<String> = parts.iter().map(|part| self.text(&jobs[*part], prompter)).collect();
            let score = score(parts.iter().filter_map(|part| jobs[*part].result.as_ref()));
            candidates.push((join(&texts), score.unwrap_or_default()));
        }
        let scored: Vec<(&str, f64)> = candidates.iter().map(|(text, score)| (&text[..], *score)).collect();
        let job = &mut jobs[number];
        match consensus(&scored, OWN_SCORE) {
            Some(best) if best < outputs.len() => job.result = Some(outputs.swap_remove(best)),
            Some(_) => job.parts = parts,
            None => {}
        }
    }

    /// What each source needs, and the distinct texts to decode.
    fn plan(&self, sources: &[&str], options: &DecodeOptions, prompter: &Prompter) -> Result<(Vec<Plan>, Vec<Job>)> {
        let spec = self.model.spec();
        // A decoder-only model has source and output in the same positions, an encoder-decoder each in its own.
        let joint = spec.is_decoder_only();
        let room = spec.max_positions.saturating_sub(prompter.overhead());
        let most = if options.ids { MAX_RECORDED } else { MAX_SOURCE };
        let room = match (joint, options.max_tokens.filter(|_| options.ids)) {
            (false, _) => room,
            (true, None) => room / 3,
            (true, Some(tokens)) => room.saturating_sub(tokens).max(room / 3),
        };
        let longest = most.min(room).max(1);
        // Hardly a byte becomes several tokens: a short text fits without counting.
        let count = |part: &str| match part.len() * 8 {
            most if most <= longest => most,
            _ => self.tokenizer.encode(part).len(),
        };
        let mut jobs: Vec<Job> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut plans = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            if !has_thai(source) {
                plans.push(Plan::Copy);
                continue;
            }
            let text = if options.normalize.unwrap_or(true) {
                normalise(source)
            } else {
                Cow::Borrowed(*source)
            };
            let mut numbers = Vec::new();
            for part in split_to_fit(&text, longest, &count)
                .into_iter()
                .map(|range| &text[range])
            {
                let number = match known.get(part) {
                    Some(number) => *number,
                    None => {
                        known.insert(part.to_owned(), jobs.len());
                        jobs.push(self.job(part, options, prompter)?);
                        jobs.len() - 1
                    }
                };
                jobs[number].users.push(index);
                numbers.push(number);
            }
            plans.push(Plan::Jobs(numbers));
        }
        Ok((plans, jobs))
    }

    /// A text to decode, of no source yet.
    fn job(&self, text: &str, options: &DecodeOptions, prompter: &Prompter) -> Result<Job> {
        let encoded = prompter.encode(text, &self.tokenizer);
        self.check(text, &encoded.ids)?;
        let spec = self.model.spec();
        let joint = spec.is_decoder_only();
        let taken = if joint { encoded.ids.len() } else { 0 };
        let room = spec.max_positions.saturating_sub(taken).max(1);
        let usual = || {
            if options.ids && !joint {
                self.generation.max_tokens()
            } else {
                self.manifest.decoding.max_tokens.min(2 * encoded.tokens + 24)
            }
        };
        let most = options
            .max_tokens
            .unwrap_or_else(usual)
            .max(options.min_tokens.unwrap_or(0));
        Ok(Job {
            text: text.to_owned(),
            encoded,
            max_tokens: most.clamp(1, room),
            users: Vec::new(),
            found: Vec::new(),
            result: None,
            flags: Vec::new(),
            parts: Vec::new(),
        })
    }

    /// Refuses a text with a token that the model has no embedding for: tokenizers may be larger than their models.
    fn check(&self, text: &str, ids: &[u32]) -> Result<()> {
        let size = self.model.spec().source_vocabulary;
        match ids.iter().find(|id| **id as usize >= size) {
            None => Ok(()),
            Some(id) => {
                let start: String = text.chars().take(40).collect();
                let message =
                    format!("`{start}` has token {id}, of which the model knows nothing: it has {size} tokens");
                let hint = format!("the tokenizer of {} is larger than its weights", self.path.display());
                Err(Error::input(message).hint(hint))
            }
        }
    }

    /// Decodes these jobs, longest first, in batches, and calls `done` after each.
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        jobs: &mut [Job],
        mut numbers: Vec<usize>,
        pass: &Pass,
        prompter: &Prompter,
        progress: &mut Progress,
        observer: Observer,
        done: Done,
    ) -> Result<()> {
        let (options, draws) = (&pass.options, pass.draws);
        let rows = options.beam * draws;
        // Equal lengths keep their order: the same call makes the same batches.
        numbers.sort_by_key(|job| std::cmp::Reverse(jobs[*job].ids().1.len()));
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|(ids, _)| prompter.shares(ids));
        for job in &numbers {
            let prefix = jobs[*job].ids().0;
            if !prefix.is_empty() && shared.iter().all(|(ids, _)| ids != prefix) {
                let (state, _) = self.model.begin(&[], &[prefix])?;
                shared.push((prefix.to_vec(), state));
            }
        }
        let most_rows = if self.device.is_cpu() { MAX_ROWS } else { MAX_GPU_ROWS };
        // Sentences that fit into the device's memory together, as far as is known.
        let mut fitting = usize::MAX;
        let mut rest = &numbers[..];
        while !rest.is_empty() {
            let (mut count, mut tokens) = (0, 0);
            while count < rest.len().min(fitting) && count * rows < most_rows {
                tokens += jobs[rest[count]].ids().1.len() * rows;
                if count > 0 && tokens > pass.budget {
                    break;
                }
                count += 1;
            }
            let (batch, later) = rest.split_at(count);
            let each = || {
                batch
                    .iter()
                    .flat_map(|job| (0..draws as u64).map(|draw| (&jobs[*job], draw)))
            };
            let (begun, sources): (Vec<_>, Vec<_>) = each().map(|(job, _)| job.ids()).unzip();
            let state = |prefix| {
                shared
                    .iter()
                    .find(|(ids, _)| ids == prefix)
                    .map(|(ids, state)| (&ids[..], state))
            };
            let prefixes: Vec<_> = begun.into_iter().map(state).collect();
            let ratio = self.manifest.decoding.length_ratio;
            let expected: Vec<f32> = each().map(|(job, _)| ratio * job.encoded.tokens as f32).collect();
            let max_tokens: Vec<usize> = each().map(|(job, _)| job.max_tokens).collect();
            let streams: Vec<u64> = each().map(|(job, draw)| job.stream().wrapping_add(draw)).collect();
            let before = *progress;
            let options = SearchOptions {
                max_tokens: &max_tokens,
                expected: &expected,
                sampling: options.sampling.map(|sampling| Sampling {
                    streams: &streams,
                    ..sampling
                }),
                ..options.clone()
            };
            let found = search(
                self.model.as_ref(),
                &prefixes,
                &sources,
                &options,
                &mut |finished, written| {
                    progress.tokens += written;
                    if pass.last {
                        progress.done = (before.done + finished / draws).min(progress.total);
                    }
                    observer(*progress)
                },
            );
            let results = match found {
                Err(error) if error.kind == Kind::Memory && count > 1 => {
                    fitting = count / 2;
                    *progress = before;
                    continue;
                }
                Err(error) if error.kind == Kind::Memory => {
                    return Err(
                        error.hint("not even one sentence fits: use a smaller --beam or model, or --device cpu")
                    );
                }
                found => found?,
            };
            rest = later;
            let mut results = results.into_iter();
            for job in batch {
                jobs[*job].found = results.by_ref().take(draws).flatten().collect();
            }
            let settled = done(jobs, batch)?;
            progress.done = progress.done.max(before.done + settled).min(progress.total);
        }
        Ok(())
    }

    fn text(&self, job: &Job, prompter: &Prompter) -> String {
        let ids = job.result.as_ref().map_or(&[][..], |result| &result.ids);
        prompter.clean(&self.tokenizer.decode(ids))
    }

    fn flags(&self, job: &Job, prompter: &Prompter) -> Vec<Flag> {
        let finish = job.result.as_ref().map_or(Finish::Stop, |result| result.finish);
        quality::check(&job.text, &self.text(job, prompter), finish)
    }

    fn is_bad(&self, job: &Job, prompter: &Prompter) -> bool {
        self.flags(job, prompter).iter().any(|flag| flag.is_failure())
    }

    fn finish(
        &self,
        source: &str,
        numbers: &[usize],
        jobs: &[Job],
        prompter: &Prompter,
        options: &DecodeOptions,
    ) -> Translation {
        let standing = numbers.iter().flat_map(|number| match &jobs[*number].parts[..] {
            [] => std::slice::from_ref(number),
            parts => parts,
        });
        let jobs: Vec<&Job> = standing.map(|number| &jobs[*number]).collect();
        let results: Vec<&Hypothesis> = jobs.iter().filter_map(|job| job.result.as_ref()).collect();
        let severity = |finish: &Finish| match finish {
            Finish::Loop => 2,
            Finish::Length => 1,
            Finish::Stop | Finish::Copy => 0,
        };
        let finish = results
            .iter()
            .map(|r| r.finish)
            .max_by_key(severity)
            .unwrap_or(Finish::Stop);
        let texts: Vec<String> = jobs.iter().map(|job| self.text(job, prompter)).collect();
        let text = join(&texts);
        let mut flags = quality::check(source, &text, finish);
        if jobs.len() > 1 {
            flags.push(Flag::Divided);
        }
        Translation {
            text,
            score: score(results.iter().copied()),
            finish,
            flags,
            similar: None,
            source_ids: options
                .ids
                .then(|| jobs.iter().flat_map(|job| &job.encoded.ids).copied().collect()),
            target_ids: options
                .ids
                .then(|| results.iter().flat_map(|r| &r.ids).copied().collect()),
            source_tokens: jobs.iter().map(|job| job.encoded.tokens).sum(),
            target_tokens: results.iter().map(|r| r.ids.len()).sum(),
        }
    }

    /// Writes into a document's header which model translates it, and how.
    pub(crate) fn describe(&self, options: &DecodeOptions, header: &mut Header) {
        header.model = self.manifest.name.clone();
        header.revision = self.revision.clone();
        header.licence = self.manifest.licence.clone();
        header.parameters = Parameters {
            split: std::mem::take(&mut header.parameters.split),
            paragraphs: header.parameters.paragraphs,
            normalize: options.normalize.unwrap_or(true),
            beam: self.beam(options),
            quality: options.quality,
            max_tokens: options.max_tokens.unwrap_or(0),
            min_tokens: options.min_tokens.unwrap_or(0),
            precision: self.precision.clone(),
            device: self.device(),
            vocabulary: self.vocabulary().to_owned(),
            prompt: self.prompt(options),
        };
    }

    /// What the caller says, else what the quality asks for by the manifest, else by the model's own files.
    fn beam(&self, options: &DecodeOptions) -> usize {
        let own = self.manifest.decoding.beam.or(self.generation.beam).unwrap_or(1);
        let joint = self.model.spec().is_decoder_only();
        let usual = match options.quality {
            Quality::Fast => 1,
            Quality::Best if !joint => own.max(BEST_BEAM),
            Quality::Default | Quality::Best => own,
        };
        options.beam.unwrap_or(usual).max(1)
    }

    /// What is known of the model.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The prompt around each text that is not short, `{text}` in its place; `options` may replace it. None for an encoder-decoder.
    pub fn prompt(&self, options: &DecodeOptions) -> Option<String> {
        let Around::Prompt(chat) = &self.around else {
            return None;
        };
        let prompt = self.request(chat.as_ref(), options).ok()?;
        let request = options
            .prompt
            .as_deref()
            .map(unescape)
            .unwrap_or_else(|| prompt.template.clone());
        let (before, after) = prompt.around(&request).ok()?;
        Some(format!("{before}{{text}}{after}"))
    }

    /// `cpu`, `cuda:0`, `metal`.
    pub fn device(&self) -> String {
        device::name(&self.device)
    }

    /// `f32`, `bf16`, `f16`, `int8`; for a GGUF file its own type, such as `q4_k_m`, or `q4_k_m in f32`.
    pub fn precision(&self) -> String {
        self.precision.clone()
    }
}

/// The mean log-probability of the tokens of all these outputs; none without any.
fn score<'a>(results: impl Iterator<Item = &'a Hypothesis>) -> Option<f64> {
    let (total, tokens) = results.fold((0.0, 0), |(total, tokens), result| {
        (total + result.log_probability, tokens + result.log_probabilities.len())
    });
    (tokens > 0).then(|| total / tokens as f64)
}

/// How an encoder-decoder computes on a device in a precision, and what that precision is called.
fn computation(
    architecture: Architecture,
    device: &Device,
    precision: Precision,
) -> Result<(Computation, &'static str)> {
    let tensors = |dtype| Computation::Tensors(device.clone(), dtype);
    Ok(match (precision, device.is_cpu()) {
        (Precision::Auto | Precision::F32, true) => (Computation::Cpu(Activations::F32), "f32"),
        (Precision::Int8, true) => (Computation::Cpu(Activations::Int8), "int8"),
        (Precision::Int8, false) => {
            return Err(Error::usage("8-bit weights are computed with on the CPU only")
                .hint("use --precision auto, or --device cpu"));
        }
        (Precision::F16, _) if !architecture.fits_f16() => {
            return Err(Error::usage("a T5 model's values are too large for f16")
                .hint("use --precision bf16, of the same size, or f32"));
        }
        (Precision::F16, _) => (tensors(DType::F16), "f16"),
        (Precision::Auto, false) if !device::has_bf16(device) => (tensors(DType::F32), "f32"),
        (Precision::Auto | Precision::Bf16, _) => (tensors(DType::BF16), "bf16"),
        (Precision::F32, false) => (tensors(DType::F32), "f32"),
    })
}

/// How a model is told its languages: by its manifest, else by the tokens that its vocabulary has.
///
/// # Errors
/// Of kind `Model` where there are none and the architecture has no model without.
fn languages(located: &Located, tokenizer: &Tokenizer) -> Result<Languages> {
    let known = &located.manifest.languages;
    if *known != Languages::default() {
        return Ok(known.clone());
    }
    for prefix in [">>eng<<", "<2en>"] {
        if tokenizer.token_to_id(prefix).is_some() {
            return Ok(Languages {
                prefix: Some(format!("{prefix} ")),
                ..Languages::default()
            });
        }
    }
    let pairs = [("tha_Thai", "eng_Latn"), ("th_TH", "en_XX"), ("__th__", "__en__")];
    let pair = pairs
        .into_iter()
        .find(|(thai, english)| tokenizer.token_to_id(thai).is_some() && tokenizer.token_to_id(english).is_some());
    let Some((thai, english)) = pair else {
        if !located.manifest.architecture.needs_language_tokens() {
            return Ok(Languages::default());
        }
        return Err(
            Error::model("no tokens for Thai and English, such as tha_Thai and eng_Latn")
                .path(located.path.join("tokenizer_config.json"))
                .place("key additional_special_tokens")
                .hint("the tokenizer's files are not whole, or the model does not know both languages"),
        );
    };
    // SMaLL-100 has the layout of M2M-100 and tells the target to the encoder; its directory's name tells it apart.
    let small100 = located.manifest.name.to_lowercase().contains("small100");
    Ok(Languages {
        prefix: None,
        encoder_token: Some(if small100 { english } else { thai }.to_owned()),
        decoder_token: (!small100).then(|| english.to_owned()),
    })
}

#[cfg(test)]
mod tests;

//! Arguments: what was typed, not yet what it means.

use crate::archive::Shard;
use crate::check::{CHECKED_FLAGS, PairFormat, ReportFormat};
use crate::document::{Era, Flag, Format, ParagraphRule};
use crate::memory::{EditedFormat, ExchangeFormat};
use crate::pipeline::SplitUnit;
use crate::render::{Layout, OutputFormat};
use crate::translate::{DecodeOptions, DeviceChoice, OutputVocabulary, Precision, Quality};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The words that an option takes: each with what it stands for and a line for `--help`.
pub type OptionWords<T> = [(&'static str, T, &'static str)];

/// The output formats, as their own table names and sums them up.
pub const OUTPUT_FORMAT_WORDS: &OptionWords<OutputFormat> = &{
    let mut words = [("", OutputFormat::Text, ""); OutputFormat::ALL.len()];
    let mut index = 0;
    while index < words.len() {
        let format = OutputFormat::ALL[index];
        let summary = match format {
            OutputFormat::Jsonl => "Everything known of each segment; `plae render` makes the others from it",
            _ => format.help_summary(),
        };
        words[index] = (format.name(), format, summary);
        index += 1;
    }
    words
};

/// The form in which an input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFormatChoice {
    /// One document.
    Document(Format),
    /// A stream of JSON objects, each with a text.
    Rows,
}

/// The input formats, as their own table names and sums them up, and the stream of rows.
pub const INPUT_FORMAT_WORDS: &OptionWords<InputFormatChoice> = &{
    let rows = "A JSON object a line, each with plain text under `text`; for `plae translate` only";
    let mut words = [("jsonl", InputFormatChoice::Rows, rows); Format::ALL.len() + 1];
    let mut index = 0;
    while index < Format::ALL.len() {
        let format = Format::ALL[index];
        words[index] = (
            format.name(),
            InputFormatChoice::Document(format),
            format.help_summary(),
        );
        index += 1;
    }
    words
};

pub const LAYOUT_WORDS: &OptionWords<Layout> = &[
    ("side-by-side", Layout::SideBySide, "Source left, translation right"),
    ("interleaved", Layout::Interleaved, "Each translation under its source"),
    ("target", Layout::Target, "The translation alone"),
];

pub const SPLIT_WORDS: &OptionWords<SplitUnit> = &[
    ("auto", SplitUnit::Auto, "What the model works best with"),
    ("sentence", SplitUnit::Sentence, "Sentences"),
    ("line", SplitUnit::Line, "Each input line is exactly one segment"),
    ("block", SplitUnit::Block, "Each paragraph, heading or list item"),
];

pub const PARAGRAPH_WORDS: &OptionWords<ParagraphRule> = &[
    (
        "auto",
        ParagraphRule::Auto,
        "A line each, unless the text is evidently hard-wrapped",
    ),
    ("line", ParagraphRule::Line, "A line each"),
    (
        "blank-line",
        ParagraphRule::BlankLine,
        "All lines up to a blank one, a heading or a list item",
    ),
];

pub const PRECISION_WORDS: &OptionWords<Precision> = &[
    (
        "auto",
        Precision::Auto,
        "A GGUF file's own; else f32 on a CPU; on a GPU bf16, or f32 where it has no bf16",
    ),
    ("f32", Precision::F32, "32-bit floating point"),
    (
        "bf16",
        Precision::Bf16,
        "bfloat16; on a CPU to save memory, computed in f32",
    ),
    ("f16", Precision::F16, "float16, likewise; not for T5 (MADLAD)"),
    ("int8", Precision::Int8, "8-bit weights, on a CPU"),
];

pub const VOCABULARY_WORDS: &OptionWords<OutputVocabulary> = &[
    (
        "auto",
        OutputVocabulary::Auto,
        "english for a model fetched by name, full for files of your own",
    ),
    ("full", OutputVocabulary::Full, "Every token of the model"),
    (
        "english",
        OutputVocabulary::English,
        "Only tokens that English can use, and every single character: faster",
    ),
];

pub const QUALITY_WORDS: &OptionWords<Quality> = &[
    (
        "fast",
        Quality::Fast,
        "Greedy search, and no second attempt where it fails",
    ),
    (
        "default",
        Quality::Default,
        "What the model's manifest or files ask for; what fails is tried again",
    ),
    (
        "best",
        Quality::Best,
        "A wide beam; of a decoder-only model the one of several outputs that agrees best with the others, in about five times the time",
    ),
];

pub const ERA_WORDS: &OptionWords<Era> = &[
    ("ce", Era::Ce, "The common era: 2023"),
    ("be", Era::Be, "The Buddhist era: B.E. 2566"),
    ("both", Era::Both, "Both: 2023 (B.E. 2566)"),
    ("keep", Era::Keep, "As in the source, those of the Buddhist era marked"),
];

const ON_OFF_WORDS: &OptionWords<bool> = &[("on", true, "Yes"), ("off", false, "No")];

/// Looks up the meaning of `word` in `words`.
pub fn look_up_word<T: Copy>(words: &OptionWords<T>, word: &str) -> Option<T> {
    words
        .iter()
        .find(|(name, ..)| *name == word)
        .map(|(_, value, _)| *value)
}

/// A clap parser for `words`.
fn word_parser<T>(words: &'static OptionWords<T>) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let names = words.iter().map(|(name, _, help)| PossibleValue::new(name).help(*help));
    PossibleValuesParser::new(names).try_map(|word| look_up_word(words, &word).ok_or("not one of the possible values"))
}

/// `auto`, `cpu`, `cuda`, `cuda:N` or `metal`.
pub fn parse_device(word: &str) -> Result<DeviceChoice, String> {
    match word {
        "auto" => Ok(DeviceChoice::Auto),
        "cpu" => Ok(DeviceChoice::Cpu),
        "cuda" => Ok(DeviceChoice::Cuda(0)),
        "metal" => Ok(DeviceChoice::Metal),
        _ => word
            .strip_prefix("cuda:")
            .and_then(|number| number.parse().ok())
            .map(DeviceChoice::Cuda)
            .ok_or_else(|| "expected auto, cpu, cuda, cuda:N or metal".to_string()),
    }
}

/// A count of at least one.
fn parse_positive_count(word: &str) -> Result<usize, String> {
    match word.parse() {
        Ok(0) => Err("must be at least 1".to_string()),
        Ok(number) => Ok(number),
        Err(_) => Err("expected a whole number".to_string()),
    }
}

/// A beam width. The cap is far above any that improves a translation, and keeps a slip from taking all memory.
fn parse_beam_width(word: &str) -> Result<usize, String> {
    match parse_positive_count(word)? {
        width @ 1..=MOST_BEAMS => Ok(width),
        _ => Err(format!("must be at most {MOST_BEAMS}")),
    }
}

const MOST_BEAMS: usize = 100;

const ROOT_HELP: &str = "\
Examples:
  plae article.txt                                        the same as plae translate article.txt
  plae translate article.txt -o article.html
  plae translate articles/ -o english/ --format html --format docx
  plae translate --split line --format plain - < lines.th > lines.en
  plae doctor

Configuration, the strongest first: options; PLAE_MODEL, PLAE_DEVICE, PLAE_PRECISION, PLAE_LAYOUT, \
PLAE_PARAGRAPHS, PLAE_ERA, PLAE_OFFLINE, PLAE_MANIFESTS, PLAE_CACHE; ./plae.toml; plae/config.toml in the user's configuration \
directory, with the keys model, device, precision, vocabulary, layout, paragraphs, era, offline, manifests and cache. The Hub's own \
variables (HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and others) are honoured. `plae doctor` shows \
what is set, and where.

Exit codes:
  0    all done
  1    some inputs failed, or an output could not be written
  2    wrong usage, or a request that cannot be met (no model, no network)
  130  interrupted with Ctrl-C, or ended by SIGTERM or SIGHUP";

/// Translate Thai articles into English, and write side-by-side bilingual documents
///
/// Everything runs on this machine, with open models; no text leaves it.
#[derive(Debug, Parser)]
#[command(
    name = "plae",
    version,
    long_version = super::version::long_version(),
    after_long_help = ROOT_HELP,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// When to colour messages
    ///
    /// `auto` colours a terminal and honours NO_COLOR, CLICOLOR_FORCE and TERM=dumb. Default: auto.
    #[arg(long, global = true, value_name = "WHEN", value_parser = word_parser(super::printer::COLOUR_WORDS), hide_possible_values = true, help_heading = "Messages")]
    pub color: Option<super::printer::ColourChoice>,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Messages")]
    pub quiet: bool,
    /// Print more of what is done, and the causes under an error
    #[arg(short, long, global = true, help_heading = "Messages")]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Translate(Box<TranslateArgs>),
    Archive(Box<ArchiveArgs>),
    Memory(MemoryArgs),
    Merge(MergeArgs),
    Render(RenderArgs),
    Check(CheckArgs),
    Split(SplitArgs),
    Score(ScoreArgs),
    Models(ModelsArgs),
    Doctor(DoctorArgs),
    Bench(Box<BenchArgs>),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Translate files, directories or standard input
///
/// Reads Thai text, Markdown and HTML, cuts it into sentences, translates each, and writes the two
/// languages aligned. Text without Thai passes through unchanged and is marked so. A model is looked for,
/// and loaded once, only if some input has Thai.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = TRANSLATE_HELP)]
pub struct TranslateArgs {
    /// Files, directories, or `-` for standard input
    ///
    /// A directory is read with everything below it: .txt, .md and .html files, no hidden ones, no
    /// symbolic links, nothing that plae wrote. With no INPUT, standard input is read.
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub decoding: DecodingArgs,
    #[command(flatten)]
    pub memory: MemoryFileArgs,
    /// Print what would be read and written, and load no model
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
}

const TRANSLATE_HELP: &str = "\
Examples:
  plae translate article.txt                              columns on the terminal
  plae translate article.txt -o article.html              a side-by-side page
  plae translate article.md -o article.html --format html --format docx --format jsonl
  plae translate articles/ -o english/ --format html      a mirrored tree
  plae translate --split line --format plain - < lines.th > lines.en
  plae translate article.txt --model ./gemma-3-270m.gguf --device cpu --offline
  plae translate --from jsonl - < rows.jsonl > translated.jsonl

With --from jsonl each line is an object with a text, and its result the same object with `translation`, the `flags` of \
any segment, and the `segments` as in the jsonl of a document; or with `error`, where the line is no such object. Results \
are in order, and leave as soon as what was read is translated.

Where outputs go: without -o, to standard output, one format only. With -o FILE, to FILE; several \
formats share its stem, each with its own extension. With several inputs, a directory as input, or an \
-o that ends in `/` or is a directory, into that directory: the files of one directory keep their places \
under it; with several inputs each directory keeps its own name. Inputs that differ in their extension \
only keep it (a.txt.html, a.md.html). An output appears complete or not at all.

Exit codes:
  0    all inputs translated
  1    some inputs failed; the others are done
  2    wrong usage, or a request that cannot be met (no model, no network)
  130  interrupted: finished files stay, and with a memory finished sentences; a second Ctrl-C stops at once";

/// Where results go and how they look.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Output file or directory [default: standard output]
    ///
    /// `-` is standard output. Missing directories are created. An existing file is kept, and its input
    /// refused, without --force.
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Output format; may be repeated
    ///
    /// Default: by the extension of -o; `html` into a directory; `text` on standard output.
    #[arg(long, value_name = "FORMAT", value_parser = word_parser(OUTPUT_FORMAT_WORDS))]
    pub format: Vec<OutputFormat>,
    /// How source and translation stand to each other
    ///
    /// For text, md, html and docx. Default: side-by-side.
    #[arg(long, value_name = "LAYOUT", value_parser = word_parser(LAYOUT_WORDS))]
    pub layout: Option<Layout>,
    /// Overwrite existing outputs
    #[arg(long)]
    pub force: bool,
}

/// How inputs are read and cut.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Reading")]
pub struct ReadingArgs {
    /// Input format, whatever the extension says
    ///
    /// Default: by the extension; `text` for standard input and unknown extensions.
    #[arg(long, value_name = "FORMAT", value_parser = word_parser(INPUT_FORMAT_WORDS))]
    pub from: Option<InputFormatChoice>,
    /// Encoding of the inputs, by a WHATWG label such as `utf-8` or `windows-874`
    ///
    /// Default: by the byte-order mark or by the bytes.
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
    /// What one segment is
    ///
    /// With `line`, markup is not interpreted and a blank line stays blank. Default: auto.
    #[arg(long, value_name = "UNIT", value_parser = word_parser(SPLIT_WORDS))]
    pub split: Option<SplitUnit>,
    /// Where paragraphs of plain text end
    ///
    /// Not for --split line. Default: auto.
    #[arg(long, value_name = "RULE", value_parser = word_parser(PARAGRAPH_WORDS))]
    pub paragraphs: Option<ParagraphRule>,
}

impl ReadingArgs {
    /// The format of documents.
    ///
    /// # Errors
    /// Kind `Usage` for [`InputFormatChoice::Rows`].
    pub fn document_format(&self) -> crate::error::Result<Option<Format>> {
        match self.from {
            None => Ok(None),
            Some(InputFormatChoice::Document(format)) => Ok(Some(format)),
            Some(InputFormatChoice::Rows) => Err(crate::error::Error::usage("only `plae translate` reads jsonl")),
        }
    }
}

/// Which model, and where it computes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// A name of `plae models list`, `org/repo[@revision]`, a model's directory, or a .gguf file
    ///
    /// Default: the configured model; else the best one on this machine; else the default one is
    /// downloaded.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Where to compute: auto, cpu, cuda, cuda:N or metal
    ///
    /// `auto` takes a GPU where this build and the model can use one and it answers, else the CPU; any other
    /// choice is kept or refused. `plae doctor` lists the devices. Default: auto.
    #[arg(long, value_name = "DEVICE", value_parser = parse_device)]
    pub device: Option<DeviceChoice>,
    /// Number format of the computation
    ///
    /// Default: auto.
    #[arg(long, value_name = "PRECISION", value_parser = word_parser(PRECISION_WORDS))]
    pub precision: Option<Precision>,
    /// Tokens that outputs may use
    ///
    /// Default: auto.
    #[arg(long, value_name = "VOCABULARY", value_parser = word_parser(VOCABULARY_WORDS))]
    pub vocabulary: Option<OutputVocabulary>,
    /// Never use the network; models come from this machine only
    #[arg(long)]
    pub offline: bool,
}

/// How sentences are decoded; each default is the model's own, in its manifest.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Decoding")]
pub struct DecodingArgs {
    /// How much time a translation is worth: fast, default or best
    ///
    /// Default: default.
    #[arg(long, value_name = "QUALITY", value_parser = word_parser(QUALITY_WORDS))]
    pub quality: Option<Quality>,
    /// Beam width; 1 is greedy search [default: the model's]
    #[arg(long, value_name = "N", value_parser = parse_beam_width)]
    pub beam: Option<usize>,
    /// Most output tokens of a sentence
    ///
    /// Default: twice the tokens of its source and 24, within the model's limit.
    #[arg(long, value_name = "N", value_parser = parse_positive_count)]
    pub max_tokens: Option<usize>,
    /// Output tokens of a sentence before an end is allowed [default: 0]
    #[arg(long, value_name = "N")]
    pub min_tokens: Option<usize>,
    /// Source tokens decoded together [default: 2048; 1536 for a decoder-only model; 16384 on a GPU]
    ///
    /// Changes speed and memory, never the text; in 16 bits or on a GPU, near ties may fall the other way.
    /// A batch that does not fit into a GPU's memory is halved until it does.
    #[arg(long, value_name = "N", value_parser = parse_positive_count)]
    pub batch_tokens: Option<usize>,
    /// Give the model normalised Thai [default: on]
    ///
    /// `off` gives it the text as it is. The source shown is never changed.
    #[arg(long, value_name = "on|off", value_parser = word_parser(ON_OFF_WORDS), hide_possible_values = true)]
    pub normalize: Option<bool>,
    /// Prompt for a decoder-only model, with {text} for the sentence and \n for a newline
    ///
    /// Default: the model's own.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// Era in which years of the source are written
    ///
    /// Years of the Rattanakosin and the Chula era (ร.ศ., จ.ศ.) also keep their own number, as in 1893 (R.S. 112).
    /// Not with --quality fast or --ids. Default: ce.
    #[arg(long, value_name = "ERA", value_parser = word_parser(ERA_WORDS))]
    pub era: Option<Era>,
    /// Keep in jsonl the token ids that the model got and gave, of one plain search: nothing is tried again
    #[arg(long)]
    pub ids: bool,
}

impl DecodingArgs {
    /// The options that the arguments ask for. Combinations are checked elsewhere.
    pub fn to_decode_options(&self) -> DecodeOptions {
        let Self {
            quality,
            beam,
            max_tokens,
            min_tokens,
            batch_tokens,
            normalize,
            prompt,
            era,
            ids,
        } = self;
        DecodeOptions {
            quality: quality.unwrap_or_default(),
            beam: *beam,
            max_tokens: *max_tokens,
            min_tokens: *min_tokens,
            batch_tokens: *batch_tokens,
            normalize: *normalize,
            prompt: prompt.clone(),
            // A record is of one search, so that what went in and what came out belong together.
            plain_search: *ids,
            ids: *ids,
            era: era.unwrap_or_default(),
        }
    }
}

/// Where finished sentences are kept.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Memory")]
pub struct MemoryFileArgs {
    /// Translation memory: a file that keeps each finished sentence [default: OUT/.plae/memory.sqlite for directories]
    ///
    /// A sentence that it has from the same model, with the same precision, decoding and prompt, is taken from it,
    /// wherever it stood; what a person made of a sentence comes first. One that is at least 75 % like a person's is
    /// flagged `similar`, and html and jsonl show that. Made where it is missing. Not used with --ids.
    #[arg(long, value_name = "PATH", conflicts_with = "no_memory")]
    pub memory: Option<PathBuf>,
    /// Keep no sentences, and look none up
    #[arg(long)]
    pub no_memory: bool,
}

/// Translate a directory of many articles, and go on where the last run ended
///
/// Sentences of many articles are translated together, each different one once, and kept as soon as they are
/// finished. Run again after an interruption, a crash or a change, it does only what is missing: unchanged
/// articles are passed over, changed ones have their new sentences translated. OUT/index.html lists all
/// articles, the worst first, and OUT/report.jsonl has the same for programs.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = ARCHIVE_HELP)]
pub struct ArchiveArgs {
    /// The directory of articles: .txt, .md and .html files, no hidden ones, no links, nothing that plae wrote
    #[arg(value_name = "DIR")]
    pub input: PathBuf,
    /// Directory for the outputs, the report and the state (OUT/.plae)
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    pub output: PathBuf,
    /// Output format; may be repeated [default: html]
    #[arg(long, value_name = "FORMAT", value_parser = word_parser(OUTPUT_FORMAT_WORDS), help_heading = "Output")]
    pub format: Vec<OutputFormat>,
    /// How source and translation stand to each other
    ///
    /// For text, md, html and docx. Default: side-by-side.
    #[arg(long, value_name = "LAYOUT", value_parser = word_parser(LAYOUT_WORDS), help_heading = "Output")]
    pub layout: Option<Layout>,
    /// Names of the outputs below OUT
    ///
    /// {dir} is the article's directory below DIR, {stem} its name without the extension {ext}, {format} the
    /// format's extension. Where two would have one name, capitals or not, {stem} keeps the extension.
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = crate::archive::DEFAULT_OUTPUT_TEMPLATE,
        help_heading = "Output"
    )]
    pub name: String,
    /// Write everything again, or what NAME says, over edited and foreign files too
    ///
    /// NAME is an output or an article, below OUT or DIR; may be repeated. What can be comes from the memory. Nothing
    /// outside OUT is overwritten through a link.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, help_heading = "Output")]
    pub force: Option<Vec<PathBuf>>,
    /// Remove the outputs of articles that are gone from DIR, unless they were edited
    #[arg(long, help_heading = "Output")]
    pub prune: bool,
    /// Print what would be read and written, with sizes, and load no model
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
    /// Do one of N equal parts only, I from 0 to N-1; `plae merge OUT` joins them
    ///
    /// Which articles a part has is decided by their content, so that several machines can work in one OUT, each
    /// on its own part: Slurm's SLURM_ARRAY_TASK_ID and Kubernetes' JOB_COMPLETION_INDEX count alike. State, memory and
    /// report of a part are in OUT/.plae/shard-I-of-N until then.
    #[arg(long, value_name = "I/N", help_heading = "Reading")]
    pub shard: Option<Shard>,
    /// Read only what this glob matches, written as in .gitignore; may be repeated
    #[arg(long, value_name = "GLOB", help_heading = "Reading")]
    pub include: Vec<String>,
    /// Leave out what this glob matches; may be repeated, and outranks --include
    #[arg(long, value_name = "GLOB", help_heading = "Reading")]
    pub exclude: Vec<String>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub decoding: DecodingArgs,
    #[command(flatten)]
    pub memory: MemoryFileArgs,
    /// Threads that read, cut and write beside the model [default: one for each core]
    #[arg(long, value_name = "N", value_parser = parse_positive_count)]
    pub jobs: Option<usize>,
}

const ARCHIVE_HELP: &str = "\
Examples:
  plae archive articles/ -o english/
  plae archive articles/ -o english/ --format html --format jsonl --exclude 'drafts/'
  plae archive articles/ -o english/ --dry-run
  plae archive articles/ -o english/ --shard 0/8          one of eight parts, on this machine

An output that was edited since plae wrote it is kept, and its article refused once it would be made anew, unless \
`plae memory learn` has learned all its edits: then it is written with them, and the edited file is kept in \
OUT/.plae/edited. --force=NAME overwrites it. Two runs never work in one output directory at once.

Exit codes:
  0    all articles translated, or unchanged
  1    some articles failed; the others are done
  2    wrong usage, or a request that cannot be met (no model, no network, a directory in use)
  130  interrupted: what is finished stays, and the same command goes on; a second Ctrl-C stops at once";

/// Look into a translation memory, teach it, exchange it, clear it up
#[derive(Debug, Args)]
#[command(after_long_help = MEMORY_HELP)]
pub struct MemoryArgs {
    #[command(subcommand)]
    pub command: MemoryCommand,
    /// The memory: its file, or the output directory of an archive [default: the current directory's]
    #[arg(long, global = true, value_name = "PATH")]
    pub memory: Option<PathBuf>,
}

const MEMORY_HELP: &str = "\
Examples:
  plae memory stats --memory english/
  plae memory search น้ำท่วม --memory english/
  plae memory search --fuzzy 'ฝนตกหนักในกรุงเทพฯ' --memory english/
  plae memory learn english/article.docx --memory english/
  plae memory export -o english.tmx --memory english/
  plae memory import team.tmx --memory english/
  plae memory prune --older-than 90d --flagged --dry-run --memory english/

What a person made of a sentence comes before what any model makes of it. Learn or import, then run the same \
`plae archive` again: articles are written anew from the memory, also over the outputs whose edits were all learned. \
Sentences that are nearly a person's are flagged `similar`, with the person's translation beside them.

Exit codes:
  0  done
  1  a file could not be read or written, or is damaged; the memory is damaged or locked
  2  wrong usage, or no such memory";

#[derive(Debug, Subcommand)]
pub enum MemoryCommand {
    /// Count the translations in the memory: each model's, people's, their dates and flags, and the file's bytes
    Stats {
        /// `text` or `json` [default: text]
        #[arg(long, value_name = "FORMAT", value_parser = word_parser(REPORT_FORMAT_WORDS), hide_possible_values = true)]
        format: Option<PlainOrJson>,
    },
    /// Find translations whose source or target holds a text
    Search {
        /// Thai or English; Thai is normalised as for translation, Latin capitals make no difference
        #[arg(value_name = "TEXT")]
        text: String,
        /// Find the sources most like TEXT instead, from 50 % on
        ///
        /// Likeness is one less the edit distance in characters, as a share of the longer text.
        #[arg(long)]
        fuzzy: bool,
        /// Most translations shown
        #[arg(long, value_name = "N", default_value = "20", value_parser = parse_positive_count)]
        limit: usize,
        /// `text`, or `jsonl` with all that is known [default: text]
        #[arg(long, value_name = "FORMAT", value_parser = word_parser(SEARCH_RESULT_FORMAT_WORDS), hide_possible_values = true)]
        format: Option<PlainOrJson>,
    },
    /// Write all of it to a file: TMX 1.4b for other tools, tsv, csv or jsonl
    ///
    /// People's translations come first. Importing the file into an empty memory gives the same memory.
    Export {
        /// Output file [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// `tmx`, `tsv`, `csv` or `jsonl` [default: by the extension of -o; tmx]
        #[arg(long, value_name = "FORMAT", value_parser = word_parser(EXCHANGE_FORMAT_WORDS), hide_possible_values = true)]
        format: Option<ExchangeFormat>,
        /// Overwrite an existing file
        #[arg(long)]
        force: bool,
    },
    /// Add the translations of a file: plae's own exports, or another tool's as a person's
    ///
    /// The memory is made where it is missing. What another tool marks as a machine's (`MT!`) is left out. A newer
    /// translation by a person replaces an older one. A table without column names has source and target first.
    Import {
        /// A .tmx, .tsv, .csv or .jsonl file, or `-` for standard input
        #[arg(value_name = "FILE")]
        input: PathBuf,
        /// `tmx`, `tsv`, `csv` or `jsonl`, whatever the extension says
        #[arg(long, value_name = "FORMAT", value_parser = word_parser(EXCHANGE_FORMAT_WORDS), hide_possible_values = true)]
        format: Option<ExchangeFormat>,
    },
    /// Delete translations, and give their space back to the disk
    ///
    /// With several conditions, only what meets all of them.
    #[command(group = clap::ArgGroup::new("condition").required(true).multiple(true))]
    Prune {
        /// Made so long ago or longer: 90d, 12w, 1y, 36h
        #[arg(long, value_name = "AGE", value_parser = parse_age_span, group = "condition")]
        older_than: Option<jiff::Span>,
        /// Made by a system with this in its description, as `plae memory stats --format json` shows it
        #[arg(long, value_name = "SUBSTRING", group = "condition")]
        system: Option<String>,
        /// Flagged or empty translations
        #[arg(long, group = "condition")]
        flagged: bool,
        /// People's translations instead of machines'
        #[arg(long, conflicts_with_all = ["system", "flagged"])]
        human: bool,
        /// Count only, delete nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Take what people edited in outputs as theirs
    ///
    /// Of a tsv, csv, jsonl, html, md or docx with both languages that plae wrote, the segments whose translation
    /// differs from all that machines made of the same source. Without --memory, into the memory of the archive that the output lies
    /// in. The memory is made where it is missing: then every segment is taken, as with --all.
    Learn {
        /// Edited outputs, or `-` for standard input
        #[arg(value_name = "EDITED", required = true)]
        inputs: Vec<PathBuf>,
        /// Take every segment, unchanged ones and those of unknown sources too: somebody read and approved them
        #[arg(long)]
        all: bool,
        /// `tsv`, `csv`, `jsonl`, `docx`, `html` or `md`, whatever the extension says
        #[arg(long, value_name = "FORMAT", value_parser = word_parser(EDITED_FORMAT_WORDS), hide_possible_values = true)]
        format: Option<EditedFormat>,
    },
}

const REPORT_FORMAT_WORDS: &OptionWords<PlainOrJson> = &[
    ("text", PlainOrJson::Plain, "For people"),
    ("json", PlainOrJson::Jsonl, "One JSON object"),
];

const SEARCH_RESULT_FORMAT_WORDS: &OptionWords<PlainOrJson> = &[
    ("text", PlainOrJson::Plain, "For people"),
    ("jsonl", PlainOrJson::Jsonl, "A JSON object a line"),
];

const EXCHANGE_FORMAT_WORDS: &OptionWords<ExchangeFormat> = &[
    ("tmx", ExchangeFormat::Tmx, "TMX 1.4b"),
    ("tsv", ExchangeFormat::Tsv, "A table with a row of column names"),
    ("csv", ExchangeFormat::Csv, "The same with commas, for spreadsheets"),
    ("jsonl", ExchangeFormat::Jsonl, "A JSON object a line"),
];

const EDITED_FORMAT_WORDS: &OptionWords<EditedFormat> = &[
    ("tsv", EditedFormat::Tsv, "A table of segments"),
    ("csv", EditedFormat::Csv, "A table of segments"),
    ("jsonl", EditedFormat::Jsonl, "Everything known of each segment"),
    ("docx", EditedFormat::Docx, "A two-column table"),
    ("html", EditedFormat::Html, "A page with both languages"),
    ("md", EditedFormat::Markdown, "Markdown with both languages"),
];

/// A span of time that is not negative.
fn parse_age_span(word: &str) -> Result<jiff::Span, String> {
    match word.parse::<jiff::Span>() {
        Ok(span) if !span.is_negative() => Ok(span),
        _ => Err("expected an age such as 90d, 12w, 1y or 36h".to_string()),
    }
}
/// Join the shards of an archive, or several archives, to one memory and one report
///
/// Takes what `plae archive --shard` did in OUT into OUT's own memory, report.jsonl and index.html; run `plae archive`
/// or its shards again after it. With -o, takes whole archives and their shards, of several machines, and copies their
/// outputs; an article that several have stays as the first has it. Can be repeated.
#[derive(Debug, Args)]
#[command(after_long_help = MERGE_HELP)]
pub struct MergeArgs {
    /// Output directories of `plae archive`
    #[arg(value_name = "OUT", required = true)]
    pub inputs: Vec<PathBuf>,
    /// Directory to join them in [default: OUT, if it is only one]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

const MERGE_HELP: &str = "\
Examples:
  plae merge english/                                     the shards that worked in one directory
  plae merge host1/english host2/english -o english/      what two machines did by themselves

Exit codes:
  0  done
  1  an output could not be copied, or a memory not written; what is joined stays
  2  wrong usage, or a run is at work in one of the directories";

/// Make other formats from an output, as people edited it or not, without a model
///
/// A jsonl keeps everything. Of other outputs with both languages the texts are read, and how they were divided into
/// blocks; whatever asked a reader to check a translation is taken as done.
#[derive(Debug, Args)]
#[command(after_long_help = RENDER_HELP)]
pub struct RenderArgs {
    /// A jsonl, tsv, csv, md, html or docx output of `plae translate`, or `-` for a jsonl on standard input
    #[arg(value_name = "FILE")]
    pub input: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}

const RENDER_HELP: &str = "\
Examples:
  plae render article.jsonl                               text on standard output
  plae render article.jsonl -o article.html --format html --format docx
  plae render article.jsonl --format plain > article.en.txt
  plae render edited.docx --layout target -o clean.docx   the English only, of what somebody edited

Exit codes:
  0  done
  1  the file could not be read, or an output not written
  2  wrong usage";

/// Show how a text is cut into segments
#[derive(Debug, Args)]
#[command(after_long_help = SPLIT_HELP)]
pub struct SplitArgs {
    /// A file, or `-` for standard input [default: standard input]
    #[arg(value_name = "INPUT")]
    pub input: Option<PathBuf>,
    /// `plain`: a segment a line; `jsonl`: with its block, its kind and its place in the source
    ///
    /// Spans are byte offsets in the source as UTF-8. Default: plain.
    #[arg(long, value_name = "FORMAT", value_parser = word_parser(LISTING_FORMAT_WORDS), hide_possible_values = true)]
    pub format: Option<PlainOrJson>,
    /// Print each place where a cut was considered, its score, and what decided
    ///
    /// The score is in log-odds; above 0 speaks for a cut. What decided is `newline`, `score`, `length` (against
    /// the score, for the sake of the segments' lengths) or the rule that forbids a cut: mark, punctuation, item,
    /// date, time, range, number, address, abbreviation, name, leader, latin, quote or bracket. With `--format
    /// jsonl` each place is an object with its byte offset in the source as UTF-8.
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

const SPLIT_HELP: &str = "\
Examples:
  plae split article.txt
  plae split article.txt --explain
  plae split page.html --format jsonl | jq .source

Exit codes:
  0  done
  1  the input could not be read
  2  wrong usage";

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainOrJson {
    #[default]
    Plain,
    Jsonl,
}

const LISTING_FORMAT_WORDS: &OptionWords<PlainOrJson> = &[
    ("plain", PlainOrJson::Plain, "For people"),
    ("jsonl", PlainOrJson::Jsonl, "A JSON object a line"),
];

/// Check anyone's translation, without a model: numbers, dates, names, gaps and more
///
/// Reads a Thai text and its English translation, and shows the pairs that look wrong, the worst first. What is not
/// shown was not proven right.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = CHECK_HELP)]
pub struct CheckArgs {
    /// The Thai text, one sentence a line; or one file with both languages; `-` is standard input
    ///
    /// With both languages: a jsonl, tsv, csv, md, html or docx of plae, edited or not; a TMX; a table or JSON lines
    /// with `source` and `target`, as `plae memory export` writes them.
    #[arg(value_name = "SOURCE")]
    pub source: PathBuf,
    /// The English translation, as many lines, blank ones included
    #[arg(value_name = "TARGET")]
    pub target: Option<PathBuf>,
    /// Format of one file with both languages, whatever the extension says
    #[arg(long, value_name = "FORMAT", value_parser = word_parser(PAIR_FORMAT_WORDS), help_heading = "Reading")]
    pub from: Option<PairFormat>,
    /// Encoding of SOURCE by a WHATWG label such as `windows-874`; given twice, that of TARGET too
    ///
    /// For two files. Default: by the byte-order mark or by the bytes.
    #[arg(long, value_name = "LABEL", help_heading = "Reading")]
    pub encoding: Vec<String>,
    /// Output file [default: standard output]
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Format of the report
    ///
    /// Default: by the extension of -o; `text`.
    #[arg(long, value_name = "FORMAT", value_parser = word_parser(CHECK_FORMAT_WORDS), help_heading = "Output")]
    pub format: Option<CheckFormat>,
    /// Overwrite an existing file
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Look for these flags only; may be repeated, or a list with commas
    #[arg(long, value_name = "FLAG", value_delimiter = ',', value_parser = flag_parser(false), help_heading = "Flags")]
    pub only: Vec<FlagChoice>,
    /// Leave these flags out; may be repeated, or a list with commas
    #[arg(long, value_name = "FLAG", value_delimiter = ',', value_parser = flag_parser(false), hide_possible_values = true, help_heading = "Flags")]
    pub skip: Vec<FlagChoice>,
    /// Exit with code 1 if any pair has one of these flags; `any` stands for all
    #[arg(long, value_name = "FLAG", value_delimiter = ',', value_parser = flag_parser(true), hide_possible_values = true, help_heading = "Flags")]
    pub fail_on: Vec<FlagChoice>,
    /// Let this model score each pair too: a name of `plae models list`, `org/repo`, a directory, or a .gguf file
    #[arg(long, value_name = "MODEL", help_heading = "Model")]
    pub model: Option<String>,
    /// Where the model computes: auto, cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE", value_parser = parse_device, requires = "model", help_heading = "Model")]
    pub device: Option<DeviceChoice>,
    /// Number format of the computation
    #[arg(long, value_name = "PRECISION", value_parser = word_parser(PRECISION_WORDS), hide_possible_values = true, requires = "model", help_heading = "Model")]
    pub precision: Option<Precision>,
    /// Never use the network; the model comes from this machine only
    #[arg(long, requires = "model", help_heading = "Model")]
    pub offline: bool,
}

impl CheckArgs {
    /// Returns the arguments of the model that scores; none if none is named.
    pub fn model_args(&self) -> Option<ModelArgs> {
        self.model.is_some().then(|| ModelArgs {
            model: self.model.clone(),
            device: self.device,
            precision: self.precision,
            // Anyone's translation may have any token.
            vocabulary: Some(OutputVocabulary::Full),
            offline: self.offline,
        })
    }
}

const CHECK_HELP: &str = "\
Examples:
  plae check article.th article.en                        line by line
  plae check translated.docx
  plae check team.tmx --only number,date,money
  plae check article.th article.en -o check.html
  plae check article.jsonl --format jsonl | jq 'select(.score < 0.5)'
  plae check article.th article.en --fail-on any --skip name
  plae check article.th article.en --model gemma-3-270m

With --model the model also reads each pair, and says how probable it finds the translation, and how much less it would \
without the source (`log_probability` and `contrastive` in jsonl, natural logarithms, means over the tokens): a \
translation of something else is flagged as an omission. No other option and no configuration makes it use a model.

With --format jsonl each pair is an object with `line`, `source`, `target`, `score` (1 if nothing looks wrong) and \
`flags`, each with `flag`, `severity`, the byte ranges in `source` and `target`, and a `detail`; the last line is a \
summary. In a docx, html or md a line is a segment, in a TMX a unit.

Exit codes:
  0  done, whatever was found
  1  --fail-on found something; or a file could not be read, the files differ in their number of lines, or the report \
could not be written
  2  wrong usage";

/// The format of a check's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckFormat {
    /// For people, in the colours of the terminal.
    Text,
    /// For programs and browsers.
    Report(ReportFormat),
}

/// The formats of a check's report; their names are the extensions of their files, but for `text`.
pub const CHECK_FORMAT_WORDS: &OptionWords<CheckFormat> = &[
    ("text", CheckFormat::Text, "The pairs to check, the worst first"),
    (
        "jsonl",
        CheckFormat::Report(ReportFormat::Jsonl),
        "A JSON object for each pair, and one with the summary",
    ),
    (
        "html",
        CheckFormat::Report(ReportFormat::Html),
        "A page of the pairs to check, the worst first, with the places marked",
    ),
    (
        "tsv",
        CheckFormat::Report(ReportFormat::Tsv),
        "A table of all pairs, with a line of column names",
    ),
];

const PAIR_FORMAT_WORDS: &OptionWords<PairFormat> = &[
    (
        "jsonl",
        PairFormat::Jsonl,
        "plae's own, or objects with `source` and `target`",
    ),
    (
        "tsv",
        PairFormat::Tsv,
        "Columns named `source` and `target`, or two columns",
    ),
    ("csv", PairFormat::Csv, "The same with commas or semicolons"),
    ("docx", PairFormat::Docx, "A document with both languages of plae"),
    ("html", PairFormat::Html, "A page with both languages of plae"),
    ("md", PairFormat::Markdown, "Markdown with both languages of plae"),
    ("tmx", PairFormat::Tmx, "A translation memory of any tool"),
];

/// A flag that is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChoice {
    /// Any flag.
    Any,
    /// This flag.
    One(Flag),
}

/// A clap parser for the flags that a check can find, and with `any` for that word too. Names of earlier versions are
/// taken.
fn flag_parser(any: bool) -> impl TypedValueParser<Value = FlagChoice> {
    let flags = CHECKED_FLAGS.map(|flag| {
        let value = PossibleValue::new(flag.name()).help(flag.meaning_in_words());
        match flag {
            Flag::Encoding => value.alias("damaged"),
            Flag::Untranslated => value.alias("thai-left"),
            _ => value,
        }
    });
    let any = any.then(|| PossibleValue::new("any").help("any of them"));
    PossibleValuesParser::new(flags.into_iter().chain(any)).try_map(|word| match word.as_str() {
        "any" => Ok(FlagChoice::Any),
        name => serde_json::from_value(name.into()).map(FlagChoice::One),
    })
}

/// Compare a translation with a reference: BLEU and chrF2, as sacrebleu computes them
#[derive(Debug, Args)]
#[command(after_long_help = SCORE_HELP)]
pub struct ScoreArgs {
    /// The translation, one segment a line; `-` is standard input
    #[arg(value_name = "HYPOTHESIS")]
    pub hypothesis: PathBuf,
    /// The reference, as many lines
    #[arg(value_name = "REFERENCE")]
    pub reference: PathBuf,
    /// `plain` or `jsonl` [default: plain]
    #[arg(long, value_name = "FORMAT", value_parser = word_parser(LISTING_FORMAT_WORDS), hide_possible_values = true)]
    pub format: Option<PlainOrJson>,
}

const SCORE_HELP: &str = "\
Examples:
  plae score lines.en reference.en
  plae translate --split line --format plain lines.th | plae score - reference.en --format jsonl

Exit codes:
  0  done
  1  a file could not be read, or the files differ in their number of lines
  2  wrong usage";

/// List, download, check and remove models
#[derive(Debug, Args)]
#[command(after_long_help = MODELS_HELP)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: ModelsCommand,
    /// Never use the network
    #[arg(long, global = true)]
    pub offline: bool,
}

const MODELS_HELP: &str = "\
Examples:
  plae models list
  plae models info gemma-3-270m
  plae models pull gemma-3-270m
  plae models verify

Exit codes:
  0  done
  1  a file is damaged or missing (verify)
  2  wrong usage, an unknown model, or a failed download";

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the known models, and which of them are on this machine
    List {
        /// Print a JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of one model
    Info {
        /// Its name, `org/repo`, a directory or a .gguf file
        #[arg(value_name = "MODEL")]
        model: String,
    },
    /// Download a model, or complete a broken download
    Pull {
        /// Its name or `org/repo[@revision]` [default: the model that `translate` would take]
        #[arg(value_name = "MODEL")]
        model: Option<String>,
    },
    /// Compare a model's files with their known hashes
    Verify {
        /// Its name, `org/repo`, a directory or a .gguf file [default: every model on this machine]
        #[arg(value_name = "MODEL")]
        model: Option<String>,
    },
    /// Print where a model's files are
    Path {
        /// Its name, `org/repo`, a directory or a .gguf file
        #[arg(value_name = "MODEL")]
        model: String,
    },
    /// Delete a model's files from the cache
    Remove {
        /// Its name or `org/repo`
        #[arg(value_name = "MODEL")]
        model: String,
    },
}

/// Say what this machine and this build can do, and what stands in the way
#[derive(Debug, Args)]
#[command(after_long_help = DOCTOR_HELP)]
pub struct DoctorArgs {}

const DOCTOR_HELP: &str = "\
Examples:
  plae doctor

Exit codes:
  0  translation can work here
  1  something essential is missing: a cache directory that can be written, or any way to a model
  2  the configuration is wrong";

/// Measure how fast a model translates an input
///
/// Loads the model, translates one segment to warm up, then translates all inputs and prints what it took; loading and
/// warming up are left out of the rates. No translation is written, and no memory is used.
#[derive(Debug, Args)]
#[command(after_long_help = BENCH_HELP)]
pub struct BenchArgs {
    /// Files, directories, or `-` for standard input
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub decoding: DecodingArgs,
}

const BENCH_HELP: &str = "\
Examples:
  plae bench article.txt
  plae bench lines.th --split line --model gemma-3-270m --batch-tokens 2048 --json

Exit codes: those of `plae translate`.";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_long_help = COMPLETIONS_HELP)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

const COMPLETIONS_HELP: &str = "\
Examples:
  plae completions bash > ~/.local/share/bash-completion/completions/plae
  plae completions zsh > ~/.zfunc/_plae
  plae completions fish > ~/.config/fish/completions/plae.fish";

/// Print the manual page, or write the pages of all commands
#[derive(Debug, Args)]
#[command(after_long_help = MAN_HELP)]
pub struct ManArgs {
    /// Directory for the pages of all commands [default: print plae(1)]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

const MAN_HELP: &str = "\
Examples:
  plae man | man -l -
  plae man -o ~/.local/share/man/man1";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_no_mistake() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_is_documented() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{}: {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn every_output_format_has_its_word() {
        for format in OutputFormat::ALL {
            assert_eq!(look_up_word(OUTPUT_FORMAT_WORDS, format.name()), Some(format));
        }
        assert_eq!(OUTPUT_FORMAT_WORDS.len(), OutputFormat::ALL.len());
    }

    #[test]
    fn devices() {
        let cases = [
            ("auto", Some(DeviceChoice::Auto)),
            ("cpu", Some(DeviceChoice::Cpu)),
            ("cuda", Some(DeviceChoice::Cuda(0))),
            ("cuda:3", Some(DeviceChoice::Cuda(3))),
            ("metal", Some(DeviceChoice::Metal)),
            ("cuda:", None),
            ("cuda:-1", None),
            ("gpu", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(parse_device(word).ok(), expected, "{word}");
        }
    }
}

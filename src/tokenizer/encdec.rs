//! Tokenizers of encoder-decoder checkpoints over sentencepiece, as the Python classes of transformers 4.57 have them:
//! `MarianTokenizer`, `M2M100Tokenizer`, `NllbTokenizer`, `MBartTokenizer`, `MBart50Tokenizer` and `T5Tokenizer`.

use super::added::{Added, Part, is_space};
use super::files::{self, AddedToken, Settings};
use super::pieces::{Role, SPACE};
use super::proto::Model;
use super::script::serves_english;
use super::sentencepiece::SentencePiece;
use crate::error::{Error, Result};
use hashbrown::HashMap;
use std::path::Path;

/// A tokenizer with its files' vocabulary.
pub struct EncoderDecoder {
    /// Cuts what is translated.
    source: SentencePiece,
    /// Joins what is put out, where that is another model.
    target: Option<SentencePiece>,
    vocabulary: Vocabulary,
    /// The vocabulary's id of each piece of `source`.
    ids: Vec<u32>,
    unknown: u32,
    unknown_token: String,
    added: Added,
    class: Class,
    cleans_up: bool,
}

/// Where ids come from.
enum Vocabulary {
    /// vocab.json; output may have one of its own.
    Named { source: Names, target: Option<Names> },
    /// The sentencepiece model's own, this much later.
    Pieces { offset: u32 },
}

/// A vocab.json.
struct Names {
    ids: HashMap<String, u32>,
    tokens: Vec<Option<String>>,
}

/// What one class does differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Marian,
    M2m100,
    /// Also `MBartTokenizer`: decoding joins pieces without sentencepiece.
    Nllb,
    MBart50,
    T5 {
        legacy: bool,
        add_prefix_space: bool,
    },
}

// Lists that transformers' classes hold themselves and that a checkpoint need not repeat, in the order of their ids after the
// other tokens: these are the lists' values, the file format's rest.

/// Languages of M2M-100, each written `__th__` (`language_codes`).
const M2M100_LANGUAGES: &str = "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu \
    ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl \
    ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu";

/// Languages of mBART-50.
const MBART50_LANGUAGES: &str = "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV my_MM ne_NP \
    nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN \
    mn_MN mr_IN pl_PL ps_AF pt_XX sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI";

/// Languages of NLLB-200.
const NLLB_LANGUAGES: &str = "ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn amh_Ethi apc_Arab arb_Arab ars_Arab \
    ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn ban_Latn bel_Cyrl \
    bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn ces_Latn \
    cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn epo_Latn \
    est_Latn eus_Latn ewe_Latn fao_Latn pes_Arab fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gla_Latn \
    gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn hye_Armn \
    ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn kan_Knda kas_Arab \
    kas_Deva kat_Geor knc_Arab knc_Latn kaz_Cyrl kbp_Latn kea_Latn khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn \
    kon_Latn kor_Hang kmr_Latn lao_Laoo lvs_Latn lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn \
    lua_Latn lug_Latn luo_Latn lus_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn mkd_Cyrl plt_Latn mlt_Latn \
    mni_Beng khk_Cyrl mos_Latn mri_Latn zsm_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva nso_Latn nus_Latn \
    nya_Latn oci_Latn gaz_Latn ory_Orya pag_Latn pan_Guru pap_Latn pol_Latn por_Latn prs_Arab pbt_Arab quy_Latn \
    ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng scn_Latn shn_Mymr sin_Sinh slk_Latn slv_Latn smo_Latn \
    sna_Latn snd_Arab som_Latn sot_Latn spa_Latn als_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn \
    szl_Latn tam_Taml tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi taq_Latn taq_Tfng tpi_Latn tsn_Latn \
    tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab uzn_Latn vec_Latn \
    vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans zho_Hant zul_Latn";

impl EncoderDecoder {
    /// `MarianTokenizer`: two sentencepiece models over one vocab.json, or one for each side.
    ///
    /// # Errors
    /// Of kind `Model`, as all of these, where a file is missing, damaged, or lacks a token.
    pub fn marian(directory: &Path, settings: Settings) -> Result<Self> {
        let source = Names::open(&directory.join("vocab.json"))?;
        source.check(&directory.join("vocab.json"), &settings)?;
        let target = if settings.flag("separate_vocabs", false)? {
            Some(Names::open(&directory.join("target_vocab.json"))?)
        } else {
            None
        };
        let defaults = [
            plain("eos_token", "</s>"),
            plain("unk_token", "<unk>"),
            plain("pad_token", "<pad>"),
        ];
        let size = source.ids.len();
        let vocabulary = Vocabulary::Named { source, target };
        let target = SentencePiece::open(&directory.join("target.spm"))?;
        let source = SentencePiece::open(&directory.join("source.spm"))?;
        Self::new(
            Class::Marian,
            source,
            Some(target),
            vocabulary,
            size,
            settings,
            &defaults,
        )
        .map_err(|e| e.path(directory.join("vocab.json")))
    }

    /// `M2M100Tokenizer`: one model over vocab.json, languages after it.
    pub fn m2m100(directory: &Path, settings: Settings) -> Result<Self> {
        let path = directory.join("vocab.json");
        let names = Names::open(&path)?;
        names.check(&path, &settings)?;
        let size = names.ids.len();
        let listed = settings.text("language_codes").unwrap_or("m2m100");
        let languages = if listed == "m2m100" { M2M100_LANGUAGES } else { "" };
        let defaults = [
            plain("bos_token", "<s>"),
            plain("eos_token", "</s>"),
            plain("sep_token", "</s>"),
            plain("pad_token", "<pad>"),
            plain("unk_token", "<unk>"),
        ];
        let source = SentencePiece::open(&directory.join("sentencepiece.bpe.model"))?;
        let vocabulary = Vocabulary::Named {
            source: names,
            target: None,
        };
        let mut this = Self::new(Class::M2m100, source, None, vocabulary, size, settings, &defaults);
        if let Ok(this) = &mut this {
            for (index, language) in languages.split_whitespace().enumerate() {
                this.added.name(&format!("__{language}__"), (size + index) as u32);
            }
        }
        this.map_err(|e| e.path(path))
    }

    /// `NllbTokenizer`: one model, its ids one later, languages after them.
    pub fn nllb(directory: &Path, mut settings: Settings) -> Result<Self> {
        let source = SentencePiece::open(&directory.join("sentencepiece.bpe.model"))?;
        let defaults = [
            plain("bos_token", "<s>"),
            plain("eos_token", "</s>"),
            plain("sep_token", "</s>"),
            plain("cls_token", "<s>"),
            plain("unk_token", "<unk>"),
            plain("pad_token", "<pad>"),
            (
                "mask_token",
                AddedToken {
                    lstrip: true,
                    ..plain("mask_token", "<mask>").1
                },
            ),
        ];
        for (id, role) in ["bos_token", "pad_token", "eos_token", "unk_token"]
            .into_iter()
            .enumerate()
        {
            let token = settings.token(role, &defaults)?;
            if let Some(token) = token.filter(|_| settings.added.iter().all(|(other, _)| *other != id as u32)) {
                settings.added.push((id as u32, token));
            }
        }
        if settings.additional()?.is_none() {
            settings.add_special(NLLB_LANGUAGES.split_whitespace());
        }
        let size = source.pieces().len() + 1;
        let vocabulary = Vocabulary::Pieces { offset: 1 };
        Self::new(Class::Nllb, source, None, vocabulary, size, settings, &defaults)
            .map_err(|e| e.path(directory.join("tokenizer_config.json")))
    }

    /// `MBartTokenizer`, or with `fifty` `MBart50Tokenizer`: as NLLB, languages and the mask among the vocabulary.
    pub fn mbart(directory: &Path, mut settings: Settings, fifty: bool) -> Result<Self> {
        let source = SentencePiece::open(&directory.join("sentencepiece.bpe.model"))?;
        let mut defaults = vec![
            plain("eos_token", "</s>"),
            plain("sep_token", "</s>"),
            plain("cls_token", "<s>"),
            plain("unk_token", "<unk>"),
            plain("pad_token", "<pad>"),
            (
                "mask_token",
                AddedToken {
                    lstrip: true,
                    ..plain("mask_token", "<mask>").1
                },
            ),
        ];
        if !fifty {
            defaults.push(plain("bos_token", "<s>"));
        }
        let size = source.pieces().len() as u32 + 1;
        let listed = settings.additional()?.unwrap_or_default();
        let listed: Vec<String> = listed.into_iter().map(|token| token.content).collect();
        let languages: Vec<String> = if fifty {
            let all = MBART50_LANGUAGES.split_whitespace();
            settings.add_special(all.clone().filter(|code| listed.iter().all(|other| other != code)));
            all.map(str::to_owned).collect()
        } else {
            listed
        };
        let fixed = ["<s>", "<pad>", "</s>", "<unk>"].map(str::to_owned);
        let mut reserved: Vec<(u32, String)> = (0..).zip(fixed).collect();
        reserved.extend((size..).zip(languages.iter().cloned()));
        reserved.push((size + languages.len() as u32, "<mask>".to_owned()));
        for token in settings.special(&defaults)? {
            let known = settings.added.iter().any(|(_, other)| other.content == token.content);
            let place = reserved.iter().find(|(_, content)| *content == token.content);
            if let Some((id, _)) = place.filter(|_| !known) {
                settings.added.push((*id, token));
            }
        }
        let vocabulary = Vocabulary::Pieces { offset: 1 };
        let class = if fifty { Class::MBart50 } else { Class::Nllb };
        Self::new(class, source, None, vocabulary, size as usize, settings, &defaults)
            .map_err(|e| e.path(directory.join("tokenizer_config.json")))
    }

    /// `T5Tokenizer`: the model's own ids, sentinels `<extra_id_0>` and so on after them, the last first.
    pub fn t5(directory: &Path, mut settings: Settings) -> Result<Self> {
        let path = directory.join("spiece.model");
        let legacy = settings.flag("legacy", true)?;
        let mut model = Model::open(&path)?;
        model.rules.add_dummy_prefix &= legacy;
        let source = SentencePiece::new(model).map_err(|e| e.path(&path))?;
        let defaults = [
            plain("eos_token", "</s>"),
            plain("unk_token", "<unk>"),
            plain("pad_token", "<pad>"),
        ];
        let size = source.pieces().len() as u32;
        let extra = settings.count("extra_ids", 100)?;
        let listed = settings.additional()?;
        let sentinel = |token: &AddedToken| token.content.contains("<extra_id_");
        let named = listed
            .as_ref()
            .map_or(0, |tokens| tokens.iter().filter(|token| sentinel(token)).count() as u32);
        if listed.is_some() && named > 0 && extra > 0 && extra != named {
            return Err(
                Error::model(format!("{extra} sentinels by `extra_ids`, {named} by name"))
                    .path(directory.join("tokenizer_config.json"))
                    .place("additional_special_tokens"),
            );
        }
        if named == 0 {
            let sentinels: Vec<String> = (0..extra).map(|index| format!("<extra_id_{index}>")).collect();
            settings.add_special(sentinels.iter().map(String::as_str));
        }
        let placed = if listed.is_some() { named } else { extra };
        for index in 0..placed.min(extra) {
            let id = size - 1 + extra - index;
            if settings.added.iter().all(|(other, _)| *other != id) {
                let token = AddedToken {
                    content: format!("<extra_id_{index}>"),
                    lstrip: true,
                    rstrip: true,
                    special: true,
                    normalized: false,
                };
                settings.added.push((id, token));
            }
        }
        let class = Class::T5 {
            legacy,
            add_prefix_space: settings.flag("add_prefix_space", true)?,
        };
        let vocabulary = Vocabulary::Pieces { offset: 0 };
        Self::new(class, source, None, vocabulary, size as usize, settings, &defaults)
            .map_err(|e| e.path(directory.join("tokenizer_config.json")))
    }

    fn new(
        class: Class,
        source: SentencePiece,
        target: Option<SentencePiece>,
        vocabulary: Vocabulary,
        size: usize,
        settings: Settings,
        defaults: &[(&str, AddedToken)],
    ) -> Result<Self> {
        let special = settings.special(defaults)?;
        let find = |token: &str| vocabulary.token_to_id(&source, token);
        let mut added = Added::new(settings.added.clone(), &special, size, find)?;
        if !settings.flag("split_special_tokens", false)? {
            added = added.split_on()?;
        }
        let unknown_token = settings.token("unk_token", defaults)?.unwrap_or_default().content;
        let unknown = match class {
            // What sentencepiece itself has for the unknown.
            Class::T5 { .. } => source.unknown(),
            _ => added
                .token_to_id(&unknown_token)
                .or_else(|| vocabulary.token_to_id(&source, &unknown_token)),
        };
        let unknown = unknown.ok_or_else(|| Error::model("no unknown token").place("unk_token"))?;
        let pieces = source.pieces().iter();
        let ids = pieces.map(|(id, piece)| vocabulary.piece_to_id(&source, Some(id), piece).unwrap_or(unknown));
        Ok(Self {
            ids: ids.collect(),
            cleans_up: settings.flag("clean_up_tokenization_spaces", false)?,
            source,
            target,
            vocabulary,
            unknown,
            unknown_token,
            added,
            class,
        })
    }

    /// See [`super::Tokenizer::adds_eos_if_absent`].
    pub fn adds_eos_if_absent(&self) -> bool {
        matches!(self.class, Class::T5 { .. })
    }

    /// One more than the highest id that the files give a token.
    pub fn len(&self) -> usize {
        let own = match &self.vocabulary {
            Vocabulary::Named { source, target } => {
                let target = target.as_ref().map_or(0, |target| target.tokens.len());
                source.tokens.len().max(target)
            }
            Vocabulary::Pieces { offset } => self.source.pieces().len() + *offset as usize,
        };
        self.added.ids().map(|id| id as usize + 1).fold(own, usize::max)
    }

    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        let own = || self.vocabulary.token_to_id(&self.source, token);
        self.added.token_to_id(token).or_else(own)
    }

    /// The token that an output's id stands for.
    fn id_to_token(&self, id: u32) -> Option<&str> {
        self.added.id_to_token(id).or_else(|| match &self.vocabulary {
            Vocabulary::Named { source, target } => {
                let names = target.as_ref().unwrap_or(source);
                names.tokens.get(id as usize)?.as_deref()
            }
            Vocabulary::Pieces { offset } => {
                let id = id.checked_sub(*offset)?;
                let pieces = self.source.pieces();
                ((id as usize) < pieces.len()).then(|| pieces.id_to_piece(id))
            }
        })
    }

    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 6 + 4);
        if let Class::T5 {
            legacy: false,
            add_prefix_space,
        } = self.class
        {
            self.encode_t5(text, add_prefix_space, &mut ids);
            return ids;
        }
        for part in self.added.split(text) {
            match part {
                Part::Token(id) => ids.push(id),
                Part::Text(text) => self.cut(text, &mut ids),
            }
        }
        ids
    }

    /// Appends the ids of a text without added tokens.
    fn cut(&self, mut text: &str, ids: &mut Vec<u32>) {
        if self.class == Class::Marian
            && text.starts_with(">>")
            && let Some(end) = text.find("<<")
        {
            let (code, rest) = text.split_at(end + 2);
            ids.push(self.vocabulary.token_to_id(&self.source, code).unwrap_or(self.unknown));
            text = rest;
        }
        self.source.encode(text, |piece, id| ids.push(self.piece_id(piece, id)));
    }

    fn piece_id(&self, piece: &str, id: Option<u32>) -> u32 {
        match id {
            Some(id) => self.ids.get(id as usize).copied().unwrap_or(self.unknown),
            None => self
                .vocabulary
                .piece_to_id(&self.source, None, piece)
                .unwrap_or(self.unknown),
        }
    }

    /// `T5Tokenizer` with `legacy` false: a space before the text, none after an added token.
    fn encode_t5(&self, text: &str, add_prefix_space: bool, ids: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let text = text.replace(SPACE, " ");
        let text = if add_prefix_space {
            format!("{SPACE}{text}")
        } else {
            text
        };
        let mut first_is_space = false;
        for (index, part) in self.added.split(&text).into_iter().enumerate() {
            match part {
                Part::Token(id) => {
                    if index == 1 && first_is_space && ids.len() == 1 && self.added.is_special(id) {
                        ids.clear();
                    }
                    ids.push(id);
                }
                Part::Text(text) if text.starts_with([' ', '\u{2581}']) => {
                    // sentencepiece would strip the space: an unknown token goes before it and is taken off again.
                    let guard = &self.unknown_token;
                    let mut skip = 0;
                    self.source.encode(guard, |_, _| skip += 1);
                    let mut pieces = Vec::new();
                    self.source.encode(&format!("{guard}{text}"), |piece, id| {
                        pieces.push((self.piece_id(piece, id), piece == SPACE));
                    });
                    let kept = pieces.get(skip..).unwrap_or(&pieces);
                    first_is_space |= index == 0 && matches!(kept, [(_, true)]);
                    ids.extend(kept.iter().map(|(id, _)| id));
                }
                Part::Text(text) => self.cut(text, ids),
            }
        }
    }

    pub fn decode(&self, ids: &[u32]) -> String {
        let mut texts: Vec<String> = Vec::new();
        let mut tokens: Vec<&str> = Vec::new();
        for &id in ids.iter().filter(|id| !self.added.is_special(**id)) {
            let Some(token) = self.id_to_token(id) else {
                continue;
            };
            if self
                .added
                .token_to_id(token)
                .is_some_and(|id| self.added.is_special(id))
            {
                continue;
            }
            if self.added.id_to_token(id).is_some() {
                self.flush(&mut tokens, &mut texts);
                texts.push(token.to_owned());
            } else {
                tokens.push(token);
            }
        }
        self.flush(&mut tokens, &mut texts);
        let text = texts.join(" ");
        let text = text.trim_matches(is_space);
        if self.cleans_up {
            clean_up(text)
        } else {
            text.to_owned()
        }
    }

    /// Joins vocabulary tokens to a text (`convert_tokens_to_string`).
    fn flush(&self, tokens: &mut Vec<&str>, texts: &mut Vec<String>) {
        if tokens.is_empty() {
            return;
        }
        let text = match self.class {
            Class::Marian => {
                let model = self.target.as_ref().unwrap_or(&self.source);
                model.decode(tokens.drain(..)).replace(SPACE, " ")
            }
            Class::Nllb => tokens.concat().replace(SPACE, " "),
            Class::T5 { add_prefix_space, .. } => {
                if let Some(first) = tokens.first_mut().filter(|_| add_prefix_space) {
                    *first = first.strip_prefix(SPACE).unwrap_or(first);
                }
                self.source.decode(tokens.drain(..))
            }
            Class::M2m100 | Class::MBart50 => self.source.decode(tokens.drain(..)),
        };
        tokens.clear();
        let text = text.trim_matches(is_space);
        if !text.is_empty() {
            texts.push(text.to_owned());
        }
    }

    /// See [`super::Tokenizer::english_ids`].
    pub fn english_ids(&self) -> Vec<u32> {
        let written = self.target.as_ref().map(SentencePiece::pieces);
        let mut ids: Vec<u32> = (0..self.len() as u32)
            .filter(|id| match self.id_to_token(*id) {
                _ if self.added.id_to_token(*id).is_some() => true,
                Some(token) => {
                    serves_english(token) && written.is_none_or(|pieces| pieces.piece_to_id(token).is_some())
                }
                None => false,
            })
            .collect();
        let model = self.target.as_ref().unwrap_or(&self.source);
        let kept = model.pieces().iter();
        let kept = kept.filter(|(id, _)| !matches!(model.role(*id), Role::Normal | Role::Unused));
        ids.extend(kept.filter_map(|(id, piece)| match &self.vocabulary {
            Vocabulary::Named { source, target } => target.as_ref().unwrap_or(source).ids.get(piece).copied(),
            Vocabulary::Pieces { offset } => Some(id + offset),
        }));
        ids.extend(self.added.named());
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The text that a token adds to an output.
    pub fn text(&self, id: u32) -> String {
        match self.id_to_token(id) {
            Some(token) if !self.added.is_special(id) => token.replace(SPACE, " "),
            _ => String::new(),
        }
    }
}

/// A special token by its role and its text alone.
pub fn plain(role: &'static str, content: &str) -> (&'static str, AddedToken) {
    let token = AddedToken {
        content: content.to_owned(),
        special: true,
        ..AddedToken::default()
    };
    (role, token)
}

impl Vocabulary {
    /// The id of exactly this token on the source's side.
    fn token_to_id(&self, model: &SentencePiece, token: &str) -> Option<u32> {
        match self {
            Self::Named { source, .. } => source.ids.get(token).copied(),
            Self::Pieces { offset } => Some(model.pieces().piece_to_id(token)? + offset),
        }
    }

    /// The id of a piece that the model cut; none where it is unknown here.
    fn piece_to_id(&self, model: &SentencePiece, id: Option<u32>, piece: &str) -> Option<u32> {
        match self {
            Self::Named { source, .. } => source.ids.get(piece).copied(),
            Self::Pieces { offset } => {
                let id = id.or_else(|| model.pieces().piece_to_id(piece))?;
                // fairseq's ids are one later, and its unknown token is not the model's first piece.
                (*offset == 0 || id > 0).then_some(id + offset)
            }
        }
    }
}

impl Names {
    fn open(path: &Path) -> Result<Self> {
        let object = files::object(path)?;
        let mut this = Self {
            ids: HashMap::with_capacity(object.len()),
            tokens: Vec::new(),
        };
        // Ids are the places of a table: one of 10 billion is damage, not a vocabulary.
        let most = object.len().saturating_mul(4).max(1 << 20);
        for (token, id) in object {
            let fail = || Error::model("an id expected").path(path).place(token.clone());
            let id = id
                .as_u64()
                .and_then(|id| usize::try_from(id).ok())
                .filter(|id| *id < most);
            let id = id.ok_or_else(fail)?;
            if this.tokens.len() <= id {
                this.tokens.resize(id + 1, None);
            }
            this.tokens[id] = Some(token.clone());
            this.ids.insert(token, id as u32);
        }
        Ok(this)
    }

    /// Refuses a vocabulary without the unknown token.
    fn check(&self, path: &Path, settings: &Settings) -> Result<()> {
        let unknown = settings.token("unk_token", &[plain("unk_token", "<unk>")])?;
        match unknown.filter(|token| !self.ids.contains_key(&token.content)) {
            None => Ok(()),
            Some(token) => Err(Error::model("missing; the unknown token is expected")
                .path(path)
                .place(token.content)),
        }
    }
}

/// `clean_up_tokenization`, which some repositories ask for: no space before punctuation and English contractions.
pub fn clean_up(text: &str) -> String {
    const RULES: [(&str, &str); 10] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    RULES
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

//! Translation with a memory: known sources are looked up, and new translations are stored as soon as they are final.

use super::mend::{MendedText, mend_translation, translate_by_rule};
use super::{DecodeOptions, Observer, Progress, Translation, Translator};
use crate::document::{Finding, Findings, FinishReason, Flag};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::{Memory, StoredTranslation, SystemNumber};
use crate::quality::{self, CheckedPair};
use crate::thai::{has_thai, normalise_thai};
use std::borrow::Cow;

/// A translator with an optional translation memory, in which sources are looked up before they are translated. A
/// machine's translation also carries a person's translation of a similar sentence, if the memory has one.
pub struct MemoryTranslator<'a> {
    translator: &'a Translator,
    memory: Option<(&'a Memory, SystemNumber)>,
    options: &'a DecodeOptions,
}

impl<'a> MemoryTranslator<'a> {
    /// Connects a translator to a memory for calls with these decode options.
    ///
    /// # Errors
    /// The errors of [`Translator::system_id`] and of the memory.
    pub fn new(translator: &'a Translator, memory: Option<&'a Memory>, options: &'a DecodeOptions) -> Result<Self> {
        // The memory stores no token ids: a caller who asks for ids gets every source translated anew.
        let memory = match memory.filter(|_| !options.ids) {
            Some(memory) => Some((
                memory,
                memory.find_or_add_system(
                    &translator.system_id(options)?.description(),
                    translator.former_system(options)?.as_deref(),
                )?,
            )),
            None => None,
        };
        Ok(Self {
            translator,
            memory,
            options,
        })
    }

    /// Looks up each source in the memory. Returns none for a source that the memory does not have, and for a source
    /// without Thai, which is not looked up since it needs no translation.
    ///
    /// # Errors
    /// The errors of the memory.
    pub fn recall_translations(&self, sources: &[&str]) -> Result<Vec<Option<Translation>>> {
        let mut found = vec![None; sources.len()];
        let Some((memory, system)) = self.memory else {
            return Ok(found);
        };
        let asked: Vec<usize> = (0..sources.len()).filter(|index| has_thai(sources[*index])).collect();
        let recall = |key: &dyn Fn(&'_ str) -> Cow<'_, str>| {
            let keys: Vec<String> = asked.iter().map(|index| key(sources[*index]).into_owned()).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            memory.find_translations(system, &keys)
        };
        let mut entries = recall(&|source| self.memory_key(source))?;
        if self.options.normalize == Some(false) {
            // People's translations are stored under the normalised source even if the model gets the text as it is.
            let people = recall(&normalise_thai)?
                .into_iter()
                .map(|entry| entry.filter(|entry| entry.human));
            entries = people.zip(entries).map(|(person, entry)| person.or(entry)).collect();
        }
        for (index, entry) in asked.into_iter().zip(entries) {
            let Some(entry) = entry else { continue };
            let by_person = entry.human;
            let mut known = from_stored_translation(sources[index], entry, self.options);
            if !by_person {
                self.attach_similar_translation(sources[index], &mut known)?;
            }
            found[index] = Some(known);
        }
        Ok(found)
    }

    /// Translates the sources that the memory does not have, as [`Translator::translate`] does, and stores each batch
    /// in the memory. `stop` is called after each batch is stored; if it returns true, the call ends.
    ///
    /// # Errors
    /// The errors of [`Translator::translate`] and of the memory; of kind `Interrupted` after `stop` returned true.
    pub fn translate(&self, sources: &[&str], observer: Observer, stop: &dyn Fn() -> bool) -> Result<Vec<Translation>> {
        let mut found = self.recall_translations(sources)?;
        let missing: Vec<usize> = (0..sources.len()).filter(|index| found[*index].is_none()).collect();
        let unknown: Vec<&str> = missing.iter().map(|index| sources[*index]).collect();
        let known = sources.len() - unknown.len();
        let mut observer = |progress: Progress| {
            observer(Progress {
                done: known + progress.done,
                total: sources.len(),
                ..progress
            })
        };
        let made = self.translate_unknown(&unknown, &mut observer, stop)?;
        for (index, translation) in missing.into_iter().zip(made) {
            found[index] = Some(translation);
        }
        let copy = |source| Translation::from_copied_source(source, self.options);
        Ok(sources
            .iter()
            .zip(found)
            .map(|(source, found)| found.unwrap_or_else(|| copy(source)))
            .collect())
    }

    /// Translates all sources without looking them up in the memory, and stores each batch in the memory.
    ///
    /// # Errors
    /// The errors of [`Self::translate`].
    pub fn translate_unknown(
        &self,
        sources: &[&str],
        observer: Observer,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Translation>> {
        let mut made = self
            .translator
            .translate_streaming(sources, self.options, observer, &mut |ready| {
                if let Some((memory, system)) = self.memory {
                    let keys: Vec<Cow<str>> = ready
                        .iter()
                        .map(|(index, _)| self.memory_key(sources[*index]))
                        .collect();
                    let entries: Vec<StoredTranslation> = ready
                        .iter()
                        .map(|(_, translation)| to_stored_translation(translation))
                        .collect();
                    let pairs: Vec<(&str, &StoredTranslation)> = keys.iter().map(Cow::as_ref).zip(&entries).collect();
                    memory.store_translations(system, &pairs)?;
                }
                if stop() {
                    Err(Error::new(ErrorKind::Interrupted, "interrupted"))
                } else {
                    Ok(())
                }
            })?;
        // Only after the translations are stored, since people's translations of similar sentences may differ at the
        // next call.
        for (source, translation) in sources.iter().zip(&mut made) {
            if translation.finish != FinishReason::Copy {
                self.attach_similar_translation(source, translation)?;
            }
        }
        Ok(made)
    }

    /// Adds to a machine's translation a person's translation of a similar source, if the memory has one.
    fn attach_similar_translation(&self, source: &str, translation: &mut Translation) -> Result<()> {
        let Some((memory, _)) = self.memory else {
            return Ok(());
        };
        translation.similar = memory.find_similar(source)?;
        if translation.similar.is_some() {
            translation.findings.add(Flag::Similar.into());
        }
        Ok(())
    }

    /// Returns the text under which the memory stores a source: the one that the model reads, normalised unless the
    /// options say otherwise.
    fn memory_key<'s>(&self, source: &'s str) -> Cow<'s, str> {
        if self.options.normalize.unwrap_or(true) {
            normalise_thai(source)
        } else {
            Cow::Borrowed(source)
        }
    }
}

/// Converts a machine's translation to an entry of the memory.
fn to_stored_translation(translation: &Translation) -> StoredTranslation {
    StoredTranslation {
        target: translation.text.clone(),
        score: translation.score,
        finish: translation.finish,
        findings: translation.findings.to_vec(),
        source_tokens: translation.source_tokens,
        target_tokens: translation.target_tokens,
        human: false,
    }
}

/// Converts an entry of the memory to the translation of `source`. Its findings are determined anew, since several
/// sources share one normalised form, and a machine's translation is mended as if it were made now, since the entry may
/// be from a time or an era in which it was not.
fn from_stored_translation(source: &str, entry: StoredTranslation, options: &DecodeOptions) -> Translation {
    let mends = options.mends_text() && !entry.human;
    if mends && let Some(text) = translate_by_rule(source, options.era) {
        return Translation::from_rule(text);
    }
    let (mut text, mut findings) = (entry.target, Findings::default());
    if !entry.human {
        let check = |target: &str| {
            quality::check_translation(&CheckedPair {
                source,
                target,
                finish: entry.finish,
                examples: &[],
            })
        };
        let (divided, mended) = entry
            .findings
            .into_iter()
            .partition(|finding| finding.flag == Flag::Divided);
        let mut known = MendedText::new(text, mended);
        if mends {
            known = mend_translation(source, known, options.era, &check);
        }
        let mended;
        (text, mended) = known.into_parts();
        findings = check(&text);
        let divided: Vec<Finding> = divided;
        divided
            .into_iter()
            .chain(mended)
            .for_each(|finding| findings.add(finding));
    }
    Translation {
        text,
        score: entry.score,
        finish: entry.finish,
        findings,
        similar: None,
        source_ids: None,
        target_ids: None,
        source_tokens: entry.source_tokens,
        target_tokens: entry.target_tokens,
    }
}

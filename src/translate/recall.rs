//! A translator with a memory: what is known is looked up, what is new is kept as soon as it stands.

use super::{DecodeOptions, Observer, Progress, Translation, Translator};
use crate::document::{Finish, Flag};
use crate::error::{Error, Kind, Result};
use crate::memory::{Entry, Memory, SystemNumber};
use crate::quality;
use crate::thai::{has_thai, normalise};
use std::borrow::Cow;

/// A translator and the memory that it looks into first, if it has one. A machine's translation gets beside it what a person made of
/// a similar sentence, where the memory has that.
pub struct Recaller<'a> {
    translator: &'a Translator,
    memory: Option<(&'a Memory, SystemNumber)>,
    options: &'a DecodeOptions,
}

impl<'a> Recaller<'a> {
    /// Joins a translator to a memory for calls with these options.
    ///
    /// # Errors
    /// Those of [`Translator::system`] and the memory's.
    pub fn new(translator: &'a Translator, memory: Option<&'a Memory>, options: &'a DecodeOptions) -> Result<Self> {
        // Ids are not remembered: who asks for them wants them of this run.
        let memory = match memory.filter(|_| !options.ids) {
            Some(memory) => Some((
                memory,
                memory.system(
                    &translator.system(options)?.description(),
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

    /// Looks up each source in the memory; those without Thai need no translation and are not looked up.
    ///
    /// # Errors
    /// The memory's.
    pub fn recall(&self, sources: &[&str]) -> Result<Vec<Option<Translation>>> {
        let mut found = vec![None; sources.len()];
        let Some((memory, system)) = self.memory else {
            return Ok(found);
        };
        let asked: Vec<usize> = (0..sources.len()).filter(|index| has_thai(sources[*index])).collect();
        let recall = |key: &dyn Fn(&'_ str) -> Cow<'_, str>| {
            let keys: Vec<String> = asked.iter().map(|index| key(sources[*index]).into_owned()).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            memory.recall(system, &keys)
        };
        let mut entries = recall(&|source| self.key(source))?;
        if self.options.normalize == Some(false) {
            // What people wrote stands under the normalised source, whatever the model is given.
            let people = recall(&normalise)?
                .into_iter()
                .map(|entry| entry.filter(|entry| entry.human));
            entries = people.zip(entries).map(|(person, entry)| person.or(entry)).collect();
        }
        for (index, entry) in asked.into_iter().zip(entries) {
            let Some(entry) = entry else { continue };
            let by_person = entry.human;
            let mut known = from_entry(sources[index], entry);
            if !by_person {
                self.add_similar(sources[index], &mut known)?;
            }
            found[index] = Some(known);
        }
        Ok(found)
    }

    /// Translates the sources that the memory does not have, like [`Translator::translate`], and keeps each batch in it. `stop` is
    /// asked after each batch is kept.
    ///
    /// # Errors
    /// Those of [`Translator::translate`] and the memory's; of kind `Interrupted` where `stop` says so.
    pub fn translate(&self, sources: &[&str], observer: Observer, stop: &dyn Fn() -> bool) -> Result<Vec<Translation>> {
        let mut found = self.recall(sources)?;
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
        let made = self.make(&unknown, &mut observer, stop)?;
        for (index, translation) in missing.into_iter().zip(made) {
            found[index] = Some(translation);
        }
        let copy = |source| Translation::copy(source, self.options);
        Ok(sources
            .iter()
            .zip(found)
            .map(|(source, found)| found.unwrap_or_else(|| copy(source)))
            .collect())
    }

    /// Translates without looking into the memory, and keeps each batch in it.
    ///
    /// # Errors
    /// Those of [`Self::translate`].
    pub fn make(&self, sources: &[&str], observer: Observer, stop: &dyn Fn() -> bool) -> Result<Vec<Translation>> {
        let mut made = self
            .translator
            .translate_streaming(sources, self.options, observer, &mut |ready| {
                if let Some((memory, system)) = self.memory {
                    let keys: Vec<Cow<str>> = ready.iter().map(|(index, _)| self.key(sources[*index])).collect();
                    let entries: Vec<Entry> = ready.iter().map(|(_, translation)| to_entry(translation)).collect();
                    let pairs: Vec<(&str, &Entry)> = keys.iter().map(Cow::as_ref).zip(&entries).collect();
                    memory.keep(system, &pairs)?;
                }
                if stop() {
                    Err(Error::new(Kind::Interrupted, "interrupted"))
                } else {
                    Ok(())
                }
            })?;
        // After they are kept: what people have translated is another matter at another time.
        for (source, translation) in sources.iter().zip(&mut made) {
            if translation.finish != Finish::Copy {
                self.add_similar(source, translation)?;
            }
        }
        Ok(made)
    }

    /// Puts beside a machine's translation what a person made of a source like its own.
    fn add_similar(&self, source: &str, translation: &mut Translation) -> Result<()> {
        let Some((memory, _)) = self.memory else {
            return Ok(());
        };
        translation.similar = memory.similar(source)?;
        if translation.similar.is_some() {
            translation.flags.push(Flag::Similar);
        }
        Ok(())
    }

    /// The text that a source is remembered by: the one that the model is given.
    fn key<'s>(&self, source: &'s str) -> Cow<'s, str> {
        if self.options.normalize.unwrap_or(true) {
            normalise(source)
        } else {
            Cow::Borrowed(source)
        }
    }
}

/// A machine's translation as the memory keeps it.
fn to_entry(translation: &Translation) -> Entry {
    Entry {
        target: translation.text.clone(),
        score: translation.score,
        finish: translation.finish,
        flags: translation.flags.clone(),
        source_tokens: translation.source_tokens,
        target_tokens: translation.target_tokens,
        human: false,
    }
}

/// An entry as the translation of `source`, whose flags are found anew: several sources share a normalised form.
fn from_entry(source: &str, entry: Entry) -> Translation {
    let flags = if entry.human {
        Vec::new()
    } else {
        let divided = entry.flags.into_iter().filter(|flag| *flag == Flag::Divided);
        let mut flags = quality::check(source, &entry.target, entry.finish);
        flags.extend(divided);
        flags
    };
    Translation {
        text: entry.target,
        score: entry.score,
        finish: entry.finish,
        flags,
        similar: None,
        source_ids: None,
        target_ids: None,
        source_tokens: entry.source_tokens,
        target_tokens: entry.target_tokens,
    }
}

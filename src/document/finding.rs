//! Findings: the flags of one segment, each with its places in source and translation and the values there.

use super::Flag;
use crate::span::Span;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;

/// A flag of one segment, with its places in both texts and the values found there.
///
/// Serialised as an object with `flag`, `severity`, `source`, `target` and `detail`. A flag's name alone is read as a
/// finding without places and detail, which is how earlier versions wrote flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The note or warning.
    pub flag: Flag,
    /// The byte range in the segment's source that the finding is about; none if it is about no single place there.
    pub source: Option<Span>,
    /// The byte range in the translation that the finding is about; none if it is about no single place there.
    pub target: Option<Span>,
    /// The values that differ, in words: `source 2023-11-09, target 2023-01-09`. Empty if the flag alone says it all.
    pub detail: String,
}

impl From<Flag> for Finding {
    /// Makes a finding without places and detail.
    fn from(flag: Flag) -> Self {
        Self {
            flag,
            source: None,
            target: None,
            detail: String::new(),
        }
    }
}

impl Finding {
    /// Makes a finding with its places in source and translation, and the values there in words.
    pub fn new(flag: Flag, source: Option<Span>, target: Option<Span>, detail: impl Into<String>) -> Self {
        Self {
            flag,
            source,
            target,
            detail: detail.into(),
        }
    }

    /// Returns what a reader should know, without a final full stop: the flag's meaning, with the values in brackets.
    pub fn meaning_in_words(&self) -> String {
        let meaning = self.flag.meaning_in_words();
        match self.detail.as_str() {
            "" => meaning.to_owned(),
            detail => format!("{meaning} ({detail})"),
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Finding", 5)?;
        object.serialize_field("flag", &self.flag)?;
        object.serialize_field("severity", &self.flag.severity())?;
        object.serialize_field("source", &self.source)?;
        object.serialize_field("target", &self.target)?;
        object.serialize_field("detail", &self.detail)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Finding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum NameOrObject {
            Name(Flag),
            Object {
                flag: Flag,
                #[serde(default)]
                source: Option<Span>,
                #[serde(default)]
                target: Option<Span>,
                #[serde(default)]
                detail: String,
            },
        }
        Ok(match NameOrObject::deserialize(deserializer)? {
            NameOrObject::Name(flag) => flag.into(),
            NameOrObject::Object {
                flag,
                source,
                target,
                detail,
            } => Self::new(flag, source, target, detail),
        })
    }
}

/// All findings about one segment.
///
/// Serialised as two fields: `flags`, the names of the flags, each once; and `findings`, the findings that have places
/// or a detail (left out if there are none).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FindingFields", into = "FindingFields")]
pub struct Findings(Vec<Finding>);

/// The fields in which [`Findings`] are serialised.
#[derive(Serialize, Deserialize)]
struct FindingFields {
    flags: Vec<Flag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

impl From<Findings> for FindingFields {
    fn from(findings: Findings) -> Self {
        let flags = findings.flags().collect();
        let is_plain = |finding: &Finding| *finding == Finding::from(finding.flag);
        let mut findings = findings.0;
        findings.retain(|finding| !is_plain(finding));
        Self { flags, findings }
    }
}

impl From<FindingFields> for Findings {
    fn from(fields: FindingFields) -> Self {
        let mut all = fields.findings;
        for flag in fields.flags {
            if all.iter().all(|finding| finding.flag != flag) {
                all.push(flag.into());
            }
        }
        all.into()
    }
}

impl From<Vec<Finding>> for Findings {
    /// Takes findings in any order.
    fn from(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.flag);
        Self(findings)
    }
}

impl FromIterator<Flag> for Findings {
    fn from_iter<T: IntoIterator<Item = Flag>>(flags: T) -> Self {
        flags.into_iter().map(Finding::from).collect::<Vec<_>>().into()
    }
}

impl std::ops::Deref for Findings {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.0
    }
}

impl Findings {
    /// Adds a finding, in its place in the order of [`Flag::ALL`].
    pub fn add(&mut self, finding: Finding) {
        let index = self.0.partition_point(|other| other.flag <= finding.flag);
        self.0.insert(index, finding);
    }

    /// Lists the flags, each once, in the order of [`Flag::ALL`].
    pub fn flags(&self) -> impl Iterator<Item = Flag> {
        let mut last = None;
        self.0
            .iter()
            .map(|finding| finding.flag)
            .filter(move |flag| last.replace(*flag) != Some(*flag))
    }

    /// Lists those findings that ask a reader to check the translation.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|finding| finding.flag.is_warning())
    }

    /// Whether any finding asks a reader to check the translation.
    pub fn has_warning(&self) -> bool {
        self.warnings().next().is_some()
    }

    /// Whether the output is no translation and has to be decoded again.
    pub fn has_failure(&self) -> bool {
        self.0.iter().any(|finding| finding.flag.is_failure())
    }
}

/// Compares two segments, each given by its findings and its trust. The less trusted one sorts first; of equally
/// trusted ones, the one with the more serious flag.
pub fn compare_worse_first(a: (&Findings, Option<f64>), b: (&Findings, Option<f64>)) -> Ordering {
    let rank = |findings: &Findings| findings.flags().map(Flag::seriousness_rank).max();
    let trust = |trust: Option<f64>| trust.unwrap_or(0.0);
    trust(a.1).total_cmp(&trust(b.1)).then(rank(b.0).cmp(&rank(a.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_listed_once_and_details_are_kept() {
        let date = Finding::new(
            Flag::Date,
            Some(Span::new(0, 3)),
            None,
            "source 2023-11-09, target 2023-01-09",
        );
        let mut findings = Findings::from(vec![Flag::Divided.into(), date.clone(), date.clone()]);
        findings.add(Flag::Untranslated.into());
        let json = serde_json::to_string(&findings).unwrap();
        assert_eq!(
            json,
            r#"{"flags":["untranslated","date","divided"],"findings":[{"flag":"date","severity":"warning","source":[0,3],"target":null,"detail":"source 2023-11-09, target 2023-01-09"},{"flag":"date","severity":"warning","source":[0,3],"target":null,"detail":"source 2023-11-09, target 2023-01-09"}]}"#
        );
        assert_eq!(serde_json::from_str::<Findings>(&json).unwrap(), findings);
        assert!(findings.has_warning() && !findings.has_failure());
        assert_eq!(
            date.meaning_in_words(),
            "a date differs (source 2023-11-09, target 2023-01-09)"
        );
    }

    #[test]
    fn flags_of_earlier_versions_are_read() {
        let old: Findings = serde_json::from_str(r#"{"flags":["thai-left","length"]}"#).unwrap();
        assert_eq!(old.flags().collect::<Vec<_>>(), [Flag::Untranslated, Flag::Length]);
        let old: Vec<Finding> = serde_json::from_str(r#"["damaged",{"flag":"mended","detail":"a"}]"#).unwrap();
        assert_eq!(
            old,
            [Flag::Encoding.into(), Finding::new(Flag::Mended, None, None, "a")]
        );
    }
}

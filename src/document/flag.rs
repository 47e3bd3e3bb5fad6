//! Flags: named notes and warnings about a segment, with their severity and their wording for readers.

use serde::{Deserialize, Serialize};

/// A named note or warning about a segment: how its translation was made, or what looks wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// The source has no Thai letter and was copied.
    NoThai,
    /// The translation was cut at the token limit.
    Truncated,
    /// The translation repeats itself far more than its source.
    Repetition,
    /// The translation is empty.
    Empty,
    /// The source has characters that were lost before it was read: the replacement character U+FFFD, or a private-use
    /// character inside a word.
    Damaged,
    /// Thai letters are left in the translation.
    ThaiLeft,
    /// The translation is far too short or too long for its source.
    Length,
    /// The source was translated in parts: it was too long for the model, or its translation as a whole was less
    /// probable.
    Divided,
    /// The translation memory has a similar sentence that a person translated;
    /// [`Segment::similar`](super::Segment::similar) holds it.
    Similar,
}

/// How serious a flag is. Variants are ordered, the most serious last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The flag says how the segment was made; a reader need not check anything.
    Note,
    /// The translation may be wrong; a reader should look at it.
    Warning,
    /// The output is no translation. It is decoded again, and the flag stays if that does not help.
    Failure,
}

impl Flag {
    /// All flags, in the order in which a segment lists them.
    pub const ALL: [Self; 9] = [
        Self::NoThai,
        Self::Truncated,
        Self::Repetition,
        Self::Empty,
        Self::Damaged,
        Self::ThaiLeft,
        Self::Length,
        Self::Divided,
        Self::Similar,
    ];

    /// Returns the properties of the flag: name, severity, rank and reason. To add a flag, add a variant, a row here
    /// and an entry in `ALL`.
    fn flag_properties(self) -> (&'static str, Severity, u8, &'static str) {
        use Severity::{Failure, Note, Warning};
        match self {
            Self::NoThai => ("no-thai", Note, 0, "no Thai, copied as it is"),
            Self::Similar => ("similar", Warning, 1, "a person translated a similar sentence"),
            Self::Divided => (
                "divided",
                Warning,
                2,
                "translated in parts, less probable or too long for the model as a whole",
            ),
            Self::Length => ("length", Warning, 3, "unusually short or long for its source"),
            Self::ThaiLeft => ("thai-left", Warning, 4, "Thai letters are left in the translation"),
            Self::Damaged => ("damaged", Warning, 5, "the source has characters that were lost"),
            Self::Truncated => ("truncated", Failure, 6, "cut at the token limit, the end is missing"),
            Self::Repetition => ("repetition", Failure, 7, "repeats itself"),
            Self::Empty => ("empty", Failure, 8, "the model gave no translation"),
        }
    }

    /// Returns the name of the flag in JSONL and all other formats: lower-case words joined by hyphens.
    pub fn name(self) -> &'static str {
        self.flag_properties().0
    }

    /// Returns how serious the flag is.
    pub fn severity(self) -> Severity {
        self.flag_properties().1
    }

    /// Returns the rank of the flag by seriousness: a number from 0, unique to the flag, the highest for the worst.
    /// Missing text ranks above odd text.
    pub fn seriousness_rank(self) -> u8 {
        self.flag_properties().2
    }

    /// Returns the meaning of the flag in words for a reader, without a final full stop.
    pub fn meaning_in_words(self) -> &'static str {
        self.flag_properties().3
    }

    /// Whether the flag asks a reader to check the segment.
    pub fn is_warning(self) -> bool {
        self.severity() >= Severity::Warning
    }

    /// Whether the flag says that the output is no translation and has to be decoded again.
    pub fn is_failure(self) -> bool {
        self.severity() == Severity::Failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_jsonl_schema_and_ranks_differ() {
        let mut ranks = Vec::new();
        for flag in Flag::ALL {
            assert_eq!(serde_json::to_value(flag).unwrap(), flag.name());
            assert!(flag.severity() == Severity::Note || flag.is_warning(), "{flag:?}");
            ranks.push((flag.seriousness_rank(), flag.severity()));
        }
        assert!(Flag::ALL.is_sorted(), "listed out of order");
        ranks.sort();
        assert!(
            ranks.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "two flags share a rank"
        );
        assert!(
            ranks.is_sorted_by_key(|(_, severity)| *severity),
            "a rank contradicts a severity"
        );
    }
}

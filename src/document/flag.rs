//! Flags: named findings about a segment, with everything that formats and commands have to know of each.

use serde::{Deserialize, Serialize};

/// A named finding about a segment: how it was made, or what looks wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// The source has no Thai and was copied.
    NoThai,
    /// The translation was cut at the token limit.
    Truncated,
    /// The translation repeats itself far more than its source.
    Repetition,
    /// The translation is empty.
    Empty,
    /// Thai letters are left in the translation.
    ThaiLeft,
    /// The translation is far too short or too long for its source.
    Length,
    /// The source was translated in parts: it was too long for the model, or its translation as a whole was less probable.
    Divided,
    /// A person translated a similar sentence; [`Segment::similar`](super::Segment::similar) holds it.
    Similar,
}

/// The weight of a flag for a reader. Variants are ordered, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The flag says how the segment was made; there is nothing to check.
    Note,
    /// The translation may be wrong; a reader should look at it.
    Warning,
    /// The output is no translation: it is tried again, and flagged if it stays so.
    Failure,
}

impl Flag {
    /// All flags, in the order in which a segment lists them.
    pub const ALL: [Self; 8] = [
        Self::NoThai,
        Self::Truncated,
        Self::Repetition,
        Self::Empty,
        Self::ThaiLeft,
        Self::Length,
        Self::Divided,
        Self::Similar,
    ];

    /// The table of flags: name, severity, rank, reason. A new flag is a variant and a row here, and an entry in `ALL`.
    fn facts(self) -> (&'static str, Severity, u8, &'static str) {
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
            Self::Truncated => ("truncated", Failure, 5, "cut at the token limit, the end is missing"),
            Self::Repetition => ("repetition", Failure, 6, "repeats itself"),
            Self::Empty => ("empty", Failure, 7, "the model gave no translation"),
        }
    }

    /// The flag's name in every format, the same as in JSONL: lower-case words joined by hyphens.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// The weight of the flag for a reader.
    pub fn severity(self) -> Severity {
        self.facts().1
    }

    /// The flag's position among all flags by badness, from 0, the worst highest. Lost text is worse than odd text.
    pub fn rank(self) -> u8 {
        self.facts().2
    }

    /// The finding in words for a reader, without a final full stop.
    pub fn reason(self) -> &'static str {
        self.facts().3
    }

    /// Whether a reader should check the segment.
    pub fn is_warning(self) -> bool {
        self.severity() >= Severity::Warning
    }

    /// Whether the output is no translation, so that it has to be tried again.
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
            ranks.push((flag.rank(), flag.severity()));
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

//! Flags: named warnings on a segment, and all that every format and command has to know of each.

use serde::{Deserialize, Serialize};

/// A named warning on a segment, for the reader of every format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// The source has no Thai and was copied.
    NoThai,
    /// The translation was cut at the token limit.
    Truncated,
    /// The translation repeats itself without end.
    Repetition,
    /// The model gave nothing.
    Empty,
    /// Thai letters are left in the translation.
    ThaiLeft,
    /// The translation is much shorter or longer than its source leads to expect.
    Length,
    /// The source was translated in parts: it was too long for the model, or less probable as a whole.
    Divided,
    /// A person translated a sentence like this one, which is [`Segment::similar`](super::Segment::similar).
    Similar,
}

/// How much a flag matters to a reader; later is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It says how the segment was made; there is nothing to check.
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

    /// Everything known of a flag but its doc comment: name, severity, rank among all flags, reason.
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

    /// Its name in every format: lower-case words joined by hyphens, as in JSONL.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        self.facts().1
    }

    /// Its place among all flags, the worst highest: what loses text comes before what is only odd.
    pub fn rank(self) -> u8 {
        self.facts().2
    }

    /// What it says to a reader, in words, without a final full stop.
    pub fn reason(self) -> &'static str {
        self.facts().3
    }

    /// Whether a reader should check the segment.
    pub fn is_warning(self) -> bool {
        self.severity() >= Severity::Warning
    }

    /// Whether the output is no translation, so that it is worth another try.
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

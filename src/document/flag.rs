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
    /// The translation repeats itself, or its own end, where its source does not.
    Repetition,
    /// The translation is empty.
    Empty,
    /// Characters were lost: the source has U+FFFD or a private-use character inside a word, or the translation has
    /// U+FFFD or text in a wrong encoding.
    #[serde(alias = "damaged")]
    Encoding,
    /// Thai letters are left in the translation, or the source was repeated instead of translated.
    #[serde(alias = "thai-left")]
    Untranslated,
    /// The translation has text of the examples in the model's prompt.
    CopiedExample,
    /// A date, year, month or weekday differs, is missing or was added.
    Date,
    /// A time of day differs, is missing or was added.
    Time,
    /// An amount of money differs, is missing or was added.
    Money,
    /// A number is the same, but its unit of measure differs.
    Unit,
    /// A number, percentage, telephone number or code differs, is missing or was added.
    Number,
    /// The translation negates and the source does not.
    Negation,
    /// A name, address or handle of the source is not in the translation.
    Name,
    /// Part of the source seems not to be translated.
    Omission,
    /// The translation seems to have more than the source.
    Addition,
    /// The translation is far too short or too long for its source. Only files of earlier versions have this flag, which
    /// is now told apart as [`Flag::Omission`] and [`Flag::Addition`].
    Length,
    /// The document has another translation of the same number, date or name elsewhere.
    Inconsistent,
    /// The source was translated in parts: it was too long for the model, or its translation as a whole was less
    /// probable.
    Divided,
    /// A wrong number or date of the model's translation was replaced by the right one.
    Mended,
    /// The translation memory has a similar sentence that a person translated;
    /// [`Segment::similar`](super::Segment::similar) holds it.
    Similar,
}

/// How serious a flag is. Variants are ordered, the most serious last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    pub const ALL: [Self; 21] = [
        Self::NoThai,
        Self::Truncated,
        Self::Repetition,
        Self::Empty,
        Self::Encoding,
        Self::Untranslated,
        Self::CopiedExample,
        Self::Date,
        Self::Time,
        Self::Money,
        Self::Unit,
        Self::Number,
        Self::Negation,
        Self::Name,
        Self::Omission,
        Self::Addition,
        Self::Length,
        Self::Inconsistent,
        Self::Divided,
        Self::Mended,
        Self::Similar,
    ];

    /// Returns the properties of the flag: name, severity, rank and reason. To add a flag, add a variant, a row here
    /// and an entry in `ALL`.
    fn flag_properties(self) -> (&'static str, Severity, u8, &'static str) {
        use Severity::{Failure, Note, Warning};
        match self {
            Self::NoThai => ("no-thai", Note, 0, "no Thai, copied as it is"),
            Self::Divided => (
                "divided",
                Note,
                1,
                "translated in parts, less probable or too long for the model as a whole",
            ),
            Self::Mended => ("mended", Note, 2, "a wrong number or date was put right"),
            Self::Similar => ("similar", Warning, 3, "a person translated a similar sentence"),
            Self::Inconsistent => (
                "inconsistent",
                Warning,
                4,
                "translated in another way elsewhere in the document",
            ),
            Self::Length => ("length", Warning, 5, "unusually short or long for its source"),
            Self::Addition => ("addition", Warning, 6, "there may be more than the source says"),
            Self::Name => ("name", Warning, 7, "a name is missing"),
            Self::Unit => ("unit", Warning, 8, "a unit of measure differs"),
            Self::Omission => ("omission", Warning, 9, "part of the source may be missing"),
            Self::Negation => ("negation", Warning, 10, "says not where the source does not"),
            Self::Time => ("time", Warning, 11, "a time of day differs"),
            Self::Number => ("number", Warning, 12, "a number differs"),
            Self::Money => ("money", Warning, 13, "an amount of money differs"),
            Self::Date => ("date", Warning, 14, "a date differs"),
            Self::CopiedExample => ("copied-example", Warning, 15, "has text of the model's examples"),
            Self::Untranslated => ("untranslated", Warning, 16, "text was left untranslated"),
            Self::Encoding => ("encoding", Warning, 17, "characters were lost"),
            Self::Truncated => ("truncated", Failure, 18, "cut at the token limit, the end is missing"),
            Self::Repetition => ("repetition", Failure, 19, "repeats itself"),
            Self::Empty => ("empty", Failure, 20, "there is no translation"),
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

    /// Explains the flag to a reader in one line, with an example.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::NoThai => "There is nothing to translate, so the text was copied: “(CRI) 2023-11-09”.",
            Self::Truncated => "The model ran out of room and the end is missing: “The ministers then agreed to”.",
            Self::Repetition => "Words come again and again where the Thai says them once: “very very very very good”.",
            Self::Empty => "There is no translation: the English is empty where the Thai says “สวัสดี”.",
            Self::Encoding => "Characters were lost or are of a wrong encoding: “caf�”, “donâ€™t”.",
            Self::Untranslated => "Thai was left in the English, or the Thai was only repeated: “said รัฐบาล”.",
            Self::CopiedExample => {
                "The text comes from the examples in the model's prompt: a by-line became a person of an example."
            }
            Self::Date => {
                "A date, year, month or weekday is missing, different or added: 9 พฤศจิกายน 2566 became “9 January 2023”."
            }
            Self::Time => "A time of day is missing, different or added: 14.30 น. became “4:30”.",
            Self::Money => "An amount of money is missing, different or added: 5 ล้านบาท became “5 billion baht”.",
            Self::Unit => "The number is right and its unit is not: 3 ไร่ became “3 hectares”.",
            Self::Number => {
                "A number, percentage, telephone number or code is missing, different or added: ร้อยละ 12 became “21 percent”."
            }
            Self::Negation => "The English says “not” and the Thai does not: เปิดให้ชม became “not open to visitors”.",
            Self::Name => "A name, address or handle of the Thai is not in the English: “LINE”, “www.example.org”.",
            Self::Omission => "Part of the Thai seems to be missing: of two sentences one was translated.",
            Self::Addition => "The English seems to say more than the Thai: two sentences became three.",
            Self::Length => "The English is far too short or far too long for the Thai: “Yes.” for three lines.",
            Self::Inconsistent => {
                "The same Thai is translated otherwise elsewhere in the document: “Somchai Jaidee”, then “Mr. Chai”."
            }
            Self::Divided => {
                "The sentence was translated in parts, “He came,” and “he saw”, and joined; no reason to doubt it."
            }
            Self::Mended => {
                "A wrong number or date was replaced by the right one: “9 January 2023” became “9 November 2023”."
            }
            Self::Similar => {
                "A person translated nearly the same sentence before, shown to compare: “It rained on Monday” for one on Tuesday."
            }
        }
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
            let explanation = flag.explanation();
            assert!(explanation.ends_with('.') && !explanation.contains('\n'), "{flag:?}");
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

    #[test]
    fn names_of_earlier_versions_are_read() {
        let read = |name: &str| serde_json::from_value::<Flag>(name.into()).unwrap();
        assert_eq!(read("thai-left"), Flag::Untranslated);
        assert_eq!(read("damaged"), Flag::Encoding);
        assert_eq!(read("length"), Flag::Length);
    }
}

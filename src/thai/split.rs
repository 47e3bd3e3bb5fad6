//! Thai sentence splitting: candidates, rules, scores, and the best cuts by dynamic programming.
//!
//! Thai ends a sentence with a space, but writes spaces elsewhere too. Every space of a line is a candidate; the rules of
//! `rule` bar some, the learned `scorer` scores the others, and the cuts are the set that maximises the sum
//! of their scores and of a prior on the segments' lengths. Where a stretch without a free space exceeds the cap, the
//! softer rules yield first, then word boundaries become candidates, and last of all the strict rules yield.

use super::cuts::{self, Cut};
use super::line::Line;
pub use super::rule::Rule;
use super::scorer::{self, Lexicon, Scorer};
use super::{features, is_letter, rule};
use serde::Serialize;
use std::ops::Range;

/// How long segments may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// Characters: no segment is longer, unless it is a single word; default 350.
    pub max_chars: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { max_chars: 350 }
    }
}

/// A place considered for a cut, for `plae split --explain`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Byte offset in the text where what precedes the place ends; white space may follow.
    pub offset: usize,
    /// Log-odds of a boundary; positive speaks for a cut.
    pub score: f32,
    pub cut: bool,
    pub reason: Reason,
}

/// What decided on a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Cut: a line ends here.
    Newline,
    /// Cut or not as the sign of the score says.
    Score,
    /// Cut or not against the score, for the sake of the segments' lengths.
    Length,
    /// Not cut: a rule forbids it.
    #[serde(untagged)]
    Rule(Rule),
}

/// Cuts the text of one block into sentences: byte ranges, trimmed, in order, none empty. Between two of them there is
/// only white space, or nothing where a long run without spaces was cut between words.
pub fn sentences(text: &str, options: &SplitOptions) -> Vec<Range<usize>> {
    sentences_with_scorer(scorer::built_in(), text, options)
}

/// As [`sentences`], by another scorer than plae's own.
pub fn sentences_with_scorer(scorer: &Scorer, text: &str, options: &SplitOptions) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    each_line(text, |at, line| {
        let (places, cuts) = Line::new(line).cut(scorer, options);
        let mut start = 0;
        for place in cuts.iter().map(|&cut| &places[cut]) {
            sentences.push(at + start..at + place.end);
            start = place.next;
        }
        sentences.push(at + start..at + line.len());
    });
    sentences
}

/// Cuts a text that is too long for a model into parts that are not: `count` tells the tokens of a part, of which none
/// has more than `limit`, unless it is a single character. The parts are as [`sentences`] gives them; a text that fits
/// is one part, and in one that does not, the cap on segments is lowered until they do.
pub fn split_to_fit(text: &str, limit: usize, count: &dyn Fn(&str) -> usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    // Ranges still to look at, the first last.
    let mut rest = Vec::from_iter(std::iter::once(0..text.len()));
    while let Some(range) = rest.pop() {
        let part = &text[range.clone()];
        let tokens = count(part);
        let chars = part.chars().count();
        if tokens <= limit || chars < 2 {
            parts.push(range);
            continue;
        }
        let options = SplitOptions {
            max_chars: SplitOptions::default().max_chars.min(chars * limit / tokens).max(1),
        };
        let mut smaller = sentences(part, &options);
        if smaller.len() < 2 && smaller.iter().all(|smaller| smaller.len() == part.len()) {
            // No place for a cut but inside a word.
            let middle = part.ceil_char_boundary(part.len() / 2);
            let middle = if middle < part.len() {
                middle
            } else {
                part.floor_char_boundary(part.len() / 2)
            };
            smaller = vec![0..middle, middle..part.len()];
        }
        rest.extend(
            smaller
                .into_iter()
                .rev()
                .map(|smaller| range.start + smaller.start..range.start + smaller.end),
        );
    }
    parts
}

/// A space that no rule bars, as a scorer sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// Byte offset in the text where what precedes the space ends.
    pub offset: usize,
    /// The same in characters, and where what follows the space starts.
    pub end: usize,
    pub next: usize,
    /// For [`Scorer::score`].
    pub features: Vec<u32>,
}

/// The spaces of a line that no rule bars: what a scorer is trained on.
pub fn open_gaps(line: &str, lexicon: &Lexicon, options: &SplitOptions) -> Vec<Gap> {
    let line = Line::new(line);
    let bars = rule::bars(&line, options.max_chars);
    let phrases = features::Phrases::new(&line, &bars, lexicon);
    let places = line.gap_places(&bars, &vec![0.0; bars.len()]);
    let free = places.iter().enumerate().filter(|(_, place)| place.bar.is_none());
    free.map(|(gap, place)| Gap {
        offset: place.end,
        end: place.end_chars,
        next: place.next_chars,
        features: phrases.features(&line, gap),
    })
    .collect()
}

/// Every place considered in the text of one block, with what decided on it.
pub fn explain(text: &str, options: &SplitOptions) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut last = None;
    each_line(text, |at, line| {
        if let Some(offset) = last.replace(at + line.len()) {
            candidates.push(Candidate {
                offset,
                score: 0.0,
                cut: true,
                reason: Reason::Newline,
            });
        }
        let (places, cuts) = Line::new(line).cut(scorer::built_in(), options);
        let mut cuts = cuts.iter().peekable();
        for (index, place) in places.iter().enumerate() {
            let cut = cuts.next_if(|&&cut| cut == index).is_some();
            if !cut && place.next == place.end {
                continue;
            }
            let reason = match place.bar {
                Some(rule) if !cut => Reason::Rule(rule),
                None if cut == (place.score > 0.0) => Reason::Score,
                _ => Reason::Length,
            };
            candidates.push(Candidate {
                offset: at + place.end,
                score: place.score,
                cut,
                reason,
            });
        }
    });
    candidates
}

/// Calls `visit` with the offset and the text of each line that is not blank, trimmed.
fn each_line<'a>(text: &'a str, mut visit: impl FnMut(usize, &'a str)) {
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = line.trim();
        if !line.is_empty() {
            visit(line.as_ptr() as usize - text.as_ptr() as usize, line);
        }
    }
}

/// A place where a line may be cut.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Bytes: where the segment before ends, and where the one after starts.
    end: usize,
    next: usize,
    /// The same two in characters.
    end_chars: usize,
    next_chars: usize,
    score: f32,
    bar: Option<Rule>,
    /// The score that the search sees; none where it must not cut.
    open: Option<f32>,
}

/// What a cut costs where a soft rule had to yield, inside an unspaced run, and where a strict rule had to yield.
const SOFT: f32 = -6.0;
const UNSPACED: f32 = -12.0;
const STRICT: f32 = -40.0;

impl Line<'_> {
    /// The places of the line, and the indices of those to cut at.
    fn cut(&self, scorer: &Scorer, options: &SplitOptions) -> (Vec<Place>, Vec<usize>) {
        let bars = rule::bars(self, options.max_chars);
        let mut places = self.gap_places(&bars, &scorer.scores(self, &bars));
        let length = self.text.chars().count();
        relax(&mut places, length, options.max_chars, SOFT, Rule::is_soft);
        places = self.with_word_places(places, length, options.max_chars);
        relax(&mut places, length, options.max_chars, STRICT, |_| true);
        let (indices, open): (Vec<usize>, Vec<Cut>) = places
            .iter()
            .enumerate()
            .filter_map(|(index, place)| {
                let (end, next) = (place.end_chars, place.next_chars);
                place.open.map(|score| (index, Cut { end, next, score }))
            })
            .unzip();
        let cuts = cuts::best_cuts(&open, length, &scorer.prior, options.max_chars);
        (places, cuts.into_iter().map(|cut| indices[cut]).collect())
    }

    /// One place for each space.
    fn gap_places(&self, bars: &[Option<Rule>], scores: &[f32]) -> Vec<Place> {
        let mut chars = 0;
        let mut at = 0;
        let gaps = bars.iter().zip(scores).enumerate();
        gaps.map(|(gap, (&bar, &score))| {
            let (end, next) = (self.chunks[gap].end, self.chunks[gap + 1].start);
            let end_chars = chars + self.text[at..end].chars().count();
            let next_chars = end_chars + self.text[end..next].chars().count();
            (at, chars) = (next, next_chars);
            Place {
                end,
                next,
                end_chars,
                next_chars,
                score,
                bar,
                open: bar.is_none().then_some(score),
            }
        })
        .collect()
    }

    /// Adds word boundaries between Thai letters in the stretches that still exceed the cap.
    fn with_word_places(&self, places: Vec<Place>, length: usize, cap: usize) -> Vec<Place> {
        let mut all = Vec::with_capacity(places.len());
        let mut rest = places.as_slice();
        let (mut start, mut start_chars) = (0, 0);
        loop {
            let until = rest.iter().position(|place| place.open.is_some());
            let (stretch, after) = rest.split_at(until.unwrap_or(rest.len()));
            let (end, end_chars) = after
                .first()
                .map_or((self.text.len(), length), |place| (place.end, place.end_chars));
            if end_chars - start_chars > cap {
                self.add_word_places(start..end, start_chars, stretch, &mut all);
            } else {
                all.extend_from_slice(stretch);
            }
            let Some((place, more)) = after.split_first() else {
                return all;
            };
            all.push(*place);
            (start, start_chars) = (place.next, place.next_chars);
            rest = more;
        }
    }

    /// The barred spaces of a stretch and, away from them, the word boundaries between Thai letters, in order.
    fn add_word_places(&self, range: Range<usize>, mut chars: usize, barred: &[Place], all: &mut Vec<Place>) {
        /// Characters around a barred space where a date or a name may still go on.
        const CLEARANCE: usize = 12;
        let first = self.words.partition_point(|&word| word <= range.start);
        let mut at = range.start;
        let mut barred = barred.iter().peekable();
        let mut clear_from = 0;
        for pair in self.words[first..].windows(2).take_while(|pair| pair[0] < range.end) {
            let (word, following) = (pair[0], pair[1].min(range.end));
            while let Some(place) = barred.next_if(|place| place.end <= word) {
                all.push(*place);
                clear_from = place.next_chars + CLEARANCE;
            }
            chars += self.text[at..word].chars().count();
            at = word;
            if chars < clear_from || barred.peek().is_some_and(|place| place.end_chars < chars + CLEARANCE) {
                continue;
            }
            let before = self.text[..word].chars().next_back();
            let after = self.text[word..].chars().next();
            if let (Some(before), Some(after)) = (before, after)
                && is_letter(before)
                && is_letter(after)
                && !('เ'..='ไ').contains(&before)
                && !matches!(after, 'ะ'..='ฺ' | 'ๅ'..='๎' | 'ฯ')
            {
                let open = UNSPACED + word_score(&self.text[word..following]);
                all.push(Place {
                    end: word,
                    next: word,
                    end_chars: chars,
                    next_chars: chars,
                    score: open,
                    bar: None,
                    open: Some(open),
                });
            }
        }
        all.extend(barred);
    }
}

/// Opens the barred places whose rule yields, in the stretches between open places that exceed the cap.
fn relax(places: &mut [Place], length: usize, cap: usize, penalty: f32, yields: impl Fn(Rule) -> bool) {
    let (mut from, mut start) = (0, 0);
    for index in 0..=places.len() {
        let (end, next, open) = places.get(index).map_or((length, length, true), |place| {
            (place.end_chars, place.next_chars, place.open.is_some())
        });
        if !open {
            continue;
        }
        if end - start > cap {
            for place in &mut places[from..index] {
                if place.bar.is_some_and(&yields) {
                    place.open = Some(place.score.min(0.0) + penalty);
                }
            }
        }
        (from, start) = (index + 1, next);
    }
}

/// How well a cut inside an unspaced run stands before this word; 0 for most words.
fn word_score(word: &str) -> f32 {
    match word {
        "และ" | "หรือ" | "ซึ่ง" | "โดย" | "แต่" | "เพื่อ" | "เมื่อ" | "เพราะ" | "เนื่องจาก" | "หาก" | "ทั้งนี้" | "จึง" | "ขณะ" => {
            4.0
        }
        "ที่" | "ใน" | "จาก" | "ของ" | "ให้" | "กับ" | "ด้วย" | "ได้" | "จะ" => {
            2.0
        }
        _ => 0.0,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text, &SplitOptions::default())
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    /// A long clause.
    const FILLER: &str = "ชาวบ้านในชุมชนริมแม่น้ำร่วมกันทำความสะอาดถนนและปลูกต้นไม้เพิ่มขึ้นทุกปีเพื่อให้ลูกหลานมีสิ่งแวดล้อมที่ดี";

    /// In each text `|` is a space where a sentence ends, and there is no other.
    #[test]
    fn sentences_are_cut_where_they_end() {
        for marked in [
            "รัฐบาลประกาศมาตรการช่วยเหลือเกษตรกรที่ได้รับผลกระทบจากน้ำท่วมใหญ่เมื่อเดือนที่แล้ว|อย่างไรก็ตาม ชาวนาหลายคนยังไม่ได้รับเงินชดเชยตามที่ทางการได้ให้คำมั่นสัญญาไว้",
            "เจ้าหน้าที่ช่วยผู้ประสบภัยออกจากอาคารที่ถล่มได้สำเร็จหลังใช้เวลาค้นหานานกว่าสิบชั่วโมงติดต่อกัน|นอกจากนี้ยังมีอาสาสมัครจากหลายจังหวัดเดินทางมาช่วยแจกจ่ายอาหารและน้ำดื่มอีกด้วย",
            "The museum opens at nine.|The café opens at ten.",
            "คุณจะไปไหม?|ฉันจะไป!|เขาไม่ไป",
            "เขาไปตลาด.|แม่อยู่บ้าน.",
            "เขาเขียนว่า “พรุ่งนี้จะมา.”|เธอดีใจมาก",
            "พิธีเปิดงานประจำปีของจังหวัดซึ่งมีผู้เข้าร่วมจำนวนมากจบลงเมื่อเวลา 18.00 น.|นอกจากนี้ ผู้จัดงานยังเตรียมการแสดงดนตรีพื้นบ้านไว้ให้ผู้ร่วมงานได้ชมจนถึงเที่ยงคืนของวันเดียวกัน",
        ] {
            let text = marked.replace('|', " ");
            assert_eq!(split(&text).join("|"), marked);
        }
    }

    #[test]
    fn what_belongs_together_stays_whole() {
        for text in [
            "",
            "สวัสดี",
            "วันที่ 8 พฤศจิกายน ปธน.สี จิ้นผิงของจีนได้กล่าวสุนทรพจน์ทางโทรทัศน์ต่อที่ประชุม โดยระบุว่า",
            "ในปี 2566 เขาย้ายไปอยู่ต่างจังหวัดกับครอบครัว เพื่อดูแลแม่ที่ป่วย",
            "ดูรายละเอียดที่ https://example.org/a/b?c=1 หรือ info@example.org",
            "นายกรัฐมนตรี กล่าวว่า ทุกฝ่ายต้องร่วมมือกัน",
        ] {
            assert_eq!(split(text), Vec::from_iter((!text.is_empty()).then_some(text)));
        }
    }

    #[test]
    fn lines_are_boundaries_and_ranges_are_trimmed() {
        let text = "  หัวข้อข่าว \r\n\r\n\u{a0}เนื้อข่าว\u{2028}ท้ายข่าว\t\n";
        assert_eq!(split(text), ["หัวข้อข่าว", "เนื้อข่าว", "ท้ายข่าว"]);
        let reasons: Vec<Reason> = explain(text, &SplitOptions::default())
            .iter()
            .map(|candidate| candidate.reason)
            .collect();
        assert_eq!(reasons, [Reason::Newline, Reason::Newline]);
        assert!(split(" \n\t ").is_empty());
    }

    #[test]
    fn a_long_run_without_spaces_is_cut_between_words() {
        let text = FILLER.repeat(12);
        let parts = split(&text);
        assert_eq!(parts.concat(), text);
        let whole = Line::new(&text);
        let mut at = 0;
        for part in parts {
            assert!(part.chars().count() <= 350);
            assert!(whole.words.contains(&at));
            at += part.len();
        }
    }

    #[test]
    fn the_cap_outranks_every_rule_but_not_a_word() {
        let numbers = "คน 1 ".repeat(500);
        let quote = format!("เขากล่าวว่า “{}”", format!("{FILLER} ").repeat(9).trim());
        let latin = "word ".repeat(300) + "จบ";
        for text in [&numbers, &quote, &latin] {
            let parts = split(text);
            assert!(parts.len() > 1);
            assert!(parts.iter().all(|part| part.chars().count() <= 350), "{parts:?}");
        }
        let url = format!("ดู https://example.org/{} ที่นี่", "a".repeat(600));
        assert!(split(&url).iter().any(|part| part.contains(&"a".repeat(600))));
    }

    #[test]
    fn reasons_are_told() {
        let found = explain("ปธน.สี จิ้นผิงของจีน เยือนไทย.  เขามา\nจบ", &SplitOptions::default());
        let told: Vec<String> = found
            .iter()
            .map(|candidate| serde_json::to_string(candidate).unwrap_or_default())
            .collect();
        assert!(told[0].contains(r#""cut":false,"reason":"name""#), "{told:?}");
        assert!(told[1].contains(r#""cut":false,"reason":"score""#), "{told:?}");
        assert!(told[2].contains(r#""cut":true,"reason":"score""#), "{told:?}");
        assert!(told[3].contains(r#""cut":true,"reason":"newline""#), "{told:?}");
    }

    #[test]
    fn the_example_article_is_split_sensibly() {
        let article = include_str!("../../examples/wuzhen-summit.txt");
        let parts = split(article);
        assert!((14..=22).contains(&parts.len()), "{parts:#?}");
    }

    /// Not a measure of quality, since the weights are trained on these texts: that is what `train_splitter --evaluate` is for.
    #[test]
    fn the_weights_belong_to_the_features() {
        for (name, least) in [("flores_dev", 0.80), ("pud", 0.80)] {
            let path = format!(
                concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/boundaries/{}.jsonl"),
                name
            );
            let Ok(file) = std::fs::read_to_string(&path) else {
                eprintln!("skipped: no boundary data at {path}");
                return;
            };
            let (mut right, mut found, mut gold) = (0, 0, 0);
            for line in file.lines() {
                let document: serde_json::Value = serde_json::from_str(line).unwrap();
                let sentences_of = document["sents"].as_array().unwrap().iter();
                let sentences_of: Vec<&str> = sentences_of.map(|text| text.as_str().unwrap().trim()).collect();
                let ends = sentences_of.iter().scan(0, |at, text| {
                    *at += text.len() + 1;
                    Some(*at - 1)
                });
                let ends: Vec<usize> = ends.collect();
                let cuts = sentences(&sentences_of.join(" "), &SplitOptions::default());
                right += cuts.iter().filter(|cut| ends.contains(&cut.end)).count() - 1;
                found += cuts.len() - 1;
                gold += ends.len() - 1;
            }
            let f1 = 2.0 * right as f64 / (found + gold) as f64;
            assert!(f1 >= least, "{name}: {f1:.3}");
        }
    }

    #[test]
    fn parts_fit_and_are_cut_at_the_best_places() {
        let letters = |part: &str| part.chars().count();
        let two = "รัฐบาลประกาศมาตรการช่วยเหลือเกษตรกรที่ได้รับผลกระทบจากน้ำท่วมใหญ่เมื่อเดือนที่แล้ว อย่างไรก็ตาม ชาวนาหลายคนยังไม่ได้รับเงินชดเชยตามที่ทางการได้ให้คำมั่นสัญญาไว้";
        let listed = |text: &str, limit: usize, count: &dyn Fn(&str) -> usize| -> Vec<String> {
            let ranges = split_to_fit(text, limit, count);
            ranges.into_iter().map(|range| text[range].to_owned()).collect()
        };
        // What fits is left as it is.
        assert_eq!(listed(two, 500, &letters), [two]);
        assert_eq!(listed(" ก  ข ", 500, &letters), [" ก  ข "]);
        // What does not, is cut between sentences, phrases, words and letters, in this order.
        let found = listed(two, 130, &letters);
        assert_eq!(found.join(" "), two);
        assert!(found.len() == 2 && found[1].starts_with("อย่างไรก็ตาม"), "{found:?}");
        let found = listed(
            "นายสมชาย ใจดี เดินทางไปเชียงใหม่เมื่อวันที่ 8 พฤศจิกายน 2566 พร้อมคณะผู้บริหาร",
            45,
            &letters,
        );
        assert!(
            found.iter().any(|part| part.contains("นายสมชาย ใจดี"))
                && found.iter().any(|part| part.contains("8 พฤศจิกายน 2566")),
            "{found:?}"
        );
        let run = FILLER.repeat(3);
        let words = Line::new(&run).words;
        let ranges = split_to_fit(&run, 60, &letters);
        assert!(
            ranges
                .iter()
                .all(|range| words.contains(&range.start) && range.len() <= 180)
        );
        assert_eq!(listed("aaaaaaaa", 3, &letters), ["aa", "aa", "aa", "aa"]);
        // Nothing fits: single characters.
        assert_eq!(listed("กขค", 0, &letters), ["ก", "ข", "ค"]);
        assert_eq!(listed("", 0, &|_| 9), [""]);
    }

    #[test]
    fn five_megabytes_in_one_line_are_split() {
        for unit in [
            format!("{FILLER} "),
            FILLER.to_string(),
            "คน 1 ".into(),
            "(ก \"ข ".into(),
            "a.b ".into(),
            "ๆ".into(),
        ] {
            let text = unit.repeat(5_000_000 / unit.len());
            let parts = sentences(&text, &SplitOptions::default());
            assert!(!parts.is_empty());
        }
    }

    /// What is so of every text.
    pub(in crate::thai) fn holds(text: &str, options: &SplitOptions) -> Result<(), TestCaseError> {
        let ranges = sentences(text, options);
        let mut at = 0;
        for range in &ranges {
            prop_assert!(range.start >= at && range.end > range.start);
            prop_assert!(text[at..range.start].chars().all(char::is_whitespace));
            let part = &text[range.clone()];
            prop_assert_eq!(part.trim(), part);
            prop_assert!(!part.contains('\n'));
            let fits = part.chars().count() <= options.max_chars.max(1) || !part.contains(char::is_whitespace);
            prop_assert!(fits, "{:?} exceeds {}", part, options.max_chars);
            at = range.end;
        }
        prop_assert!(text[at..].chars().all(char::is_whitespace));
        let found = explain(text, options);
        prop_assert!(found.is_sorted_by(|a, b| a.offset < b.offset));
        prop_assert!(found.iter().all(|candidate| text.is_char_boundary(candidate.offset)));
        let barred = |candidate: &Candidate| matches!(candidate.reason, Reason::Rule(_));
        prop_assert!(!found.iter().any(|candidate| candidate.cut && barred(candidate)));
        let cuts = found.iter().filter(|candidate| candidate.cut).count();
        prop_assert_eq!(cuts + 1, ranges.len().max(1));
        Ok(())
    }

    proptest! {
        #[test]
        fn segments_and_white_space_are_the_text(
            pieces in prop::collection::vec(
                prop_oneof![
                    "[ก-ฮะ-ูเ-์ๆฯ]{1,12}", "[ \u{a0}\n\t]{1,3}", "[a-zA-Z0-9๐-๙.,:;!?%/()\\[\\]“”\"'‘’–-]{1,6}",
                    Just("พ.ศ. ".to_string()), Just("นายสมชาย ".to_string()), Just("8 ถึง 10 พฤศจิกายน ".to_string()), any::<char>().prop_map(String::from),
                    Just(FILLER.to_string()),
                ], 0..40),
            cap in 0usize..200,
        ) {
            let text = pieces.concat();
            for options in [SplitOptions::default(), SplitOptions { max_chars: cap }] {
                holds(&text, &options)?;
            }
        }

        #[test]
        fn parts_are_the_text_and_fit(
            pieces in prop::collection::vec(
                prop_oneof!["[ก-ฮะ-ูเ-์ๆฯ]{1,12}", "[ \u{a0}\n\t]{1,3}", "[a-z0-9.,“”]{1,6}", any::<char>().prop_map(String::from), Just(FILLER.to_string())],
                0..20),
            limit in 0usize..120, weight in 1usize..4,
        ) {
            let text = pieces.concat();
            let count = |part: &str| part.len().div_ceil(weight);
            let mut at = 0;
            for range in split_to_fit(&text, limit, &count) {
                prop_assert!(text[at..range.start].chars().all(char::is_whitespace));
                let part = &text[range.clone()];
                prop_assert!(count(part) <= limit || part.chars().count() < 2, "{part:?}");
                at = range.end;
            }
            prop_assert!(text[at..].chars().all(char::is_whitespace));
        }
    }
}

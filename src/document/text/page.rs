//! Page breaks in plain text: the number of a page, or a form feed, between two halves of a sentence does not part them.

use super::line::{LineRole, is_thai};
use super::wrap::{HardWrapping, is_sentence_broken_over_lines};
use super::{TextLine, is_space};
use regex::Regex;
use std::sync::LazyLock;

/// The shortest line, in characters, that may go on after a form feed without other evidence. Shorter lines are titles
/// or the ends of paragraphs.
const MIN_RUNNING_LINE_CHARS: usize = 30;

/// Matches a line that is the number of a page: `12`, `๑๒`, `- 12 -`, `[12]`, `หน้า 12`, `Page 12 of 30`, `12/30`.
static PAGE_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"[0-9๐-๙]{1,4}";
    let dash = r"[-–—~|.•\s]*";
    Regex::new(&format!(
        r"^{dash}(?:[(\[]\s*)?(?:(?:หน้า(?:ที่)?|[Pp]age|PAGE|[Pp]\.)\s*)?{number}(?:\s*(?:/|จาก|ของ|of)\s*{number})?(?:\s*[)\]])?{dash}$"
    ))
    .expect("the pattern is fixed and tested")
});

/// Marks each line that goes on with the sentence of the line before a page break, and removes the line of the page's
/// number between them. Other lone numbers stay.
pub(super) fn join_pages(source: &str, lines: Vec<TextLine>, wrapping: Option<HardWrapping>) -> Vec<TextLine> {
    let mut joined: Vec<TextLine> = Vec::with_capacity(lines.len());
    let mut number: Option<TextLine> = None;
    for mut line in lines {
        if number.is_none() && joined.last().is_some() && is_page_number(line.text.of(source)) {
            number = Some(line);
            continue;
        }
        if let Some(last) = joined.last() {
            let gap = &source[last.whole.end..line.whole.start];
            let is_fed = gap.contains('\u{c}');
            if (is_fed || number.is_some()) && goes_on(source, last, &line, is_fed, wrapping) {
                (line.after_blank, line.continues_page) = (false, true);
                number = None;
            }
        }
        joined.extend(number.take());
        joined.push(line);
    }
    joined.extend(number);
    joined
}

fn is_page_number(line: &str) -> bool {
    line.len() <= 40 && PAGE_NUMBER.is_match(line)
}

/// Whether the sentence of the line `last` goes on in the line `next` on another page. `is_fed` says whether a form feed
/// stands between them.
fn goes_on(source: &str, last: &TextLine, next: &TextLine, is_fed: bool, wrapping: Option<HardWrapping>) -> bool {
    let can_go_on = matches!(
        last.role,
        LineRole::Text | LineRole::Item(_) | LineRole::Date | LineRole::Byline
    ) && matches!(next.role, LineRole::Text | LineRole::Date)
        && !last.is_table_row()
        && !next.is_table_row();
    if !can_go_on {
        return false;
    }
    let (text, next_text) = (last.text.of(source), next.text.of(source));
    if is_torn(text, next_text) {
        return true;
    }
    let ends = text.ends_with(['.', '!', '?', '…', ':', ';', '”', '’', '"', '๛', '。']);
    let is_indented = next.indent_columns(source) > last.indent_columns(source);
    let is_running = match wrapping {
        Some(wrapping) => wrapping.is_line_full(last.visible_text(source), next_text),
        None => {
            is_fed
                && text.chars().count() >= MIN_RUNNING_LINE_CHARS
                && next_text.chars().count() >= MIN_RUNNING_LINE_CHARS
        }
    };
    is_running && !ends && !is_indented
}

/// Whether a sentence certainly goes on from `last` to `next`: by the words beside the break, by a bracket or quotation
/// that closes after it, or because no word begins with the first letter after it.
fn is_torn(last: &str, next: &str) -> bool {
    const WORDS_BEFORE_A_BREAK: [&str; 14] = [
        "ทำให้",
        "เพราะ",
        "จึง",
        "ต้อง",
        "อาจ",
        "หาก",
        "คือ",
        "วันที่",
        "ตาม",
        "ทั้ง",
        "ผู้",
        "พ.ศ.",
        "ค.ศ.",
        ",",
    ];
    const WORDS_AFTER_A_BREAK: [&str; 9] = [
        "ซึ่ง",
        "และ",
        "หรือ",
        "โดยเฉพาะ",
        "รวมถึง",
        "รวมทั้ง",
        "ตลอดจน",
        "จนถึง",
        "อันเป็น",
    ];
    let (last, next) = (last.trim_matches(is_space), next.trim_matches(is_space));
    let is_open = |open: char, close: char| {
        let depth = |text: &str| text.matches(open).count() as isize - text.matches(close).count() as isize;
        depth(last) > 0 && next.find(close).is_some_and(|at| !next[..at].contains(open))
    };
    is_sentence_broken_over_lines(last, next)
        || WORDS_BEFORE_A_BREAK.iter().any(|word| last.ends_with(word))
        || WORDS_AFTER_A_BREAK.iter().any(|word| next.starts_with(word))
        || [('(', ')'), ('“', '”'), ('[', ']'), ('«', '»')]
            .into_iter()
            .any(|(open, close)| is_open(open, close))
        || next.starts_with(|c| is_thai(c) && !matches!(c, 'ก'..='ฮ' | 'เ'..='ไ'))
}

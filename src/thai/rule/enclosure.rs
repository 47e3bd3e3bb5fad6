//! The rules for quotation marks and brackets: finds pairs of them and forbids sentence cuts between the two signs of a
//! pair.

use super::{NoCutRule, is_latin};
use crate::thai::line::Line;

/// Which sign closes a quotation or bracket that was opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClosingSign {
    /// Any double quotation mark, since writers mix straight and curly ones.
    Double,
    /// Any single quotation mark, straight or curly.
    Single,
    /// Exactly this sign, which closes a bracket or a mark such as «.
    Sign(char),
}

/// An opening quotation mark or bracket that has not been closed yet.
struct OpenEnclosure {
    closer: ClosingSign,
    /// Offset in the line, in bytes, of the opening sign.
    at: usize,
    /// Number of characters from the start of the line to the opening sign, including the sign.
    chars: usize,
}

/// Forbids cuts inside pairs of quotation marks and brackets that have at most `max_chars` characters between them.
/// `markers` says for each chunk whether it is a bullet or the number of a list item; `forbidden` has the rule that
/// forbids a cut at each gap, if any.
pub fn forbid_cuts_in_enclosures(line: &Line, max_chars: usize, markers: &[bool], forbidden: &mut [Option<NoCutRule>]) {
    let mut open: Vec<OpenEnclosure> = Vec::new();
    let mut previous = None;
    let mut chars = line.text.char_indices().peekable();
    let mut count = 0;
    let mut chunk = 0;
    while let Some((at, c)) = chars.next() {
        count += 1;
        let next = chars.peek().map(|&(_, c)| c);
        let before = previous.replace(c);
        while line.chunks.get(chunk).is_some_and(|range| range.end <= at) {
            chunk += 1;
        }
        // Forget opening signs that are too far back: a pair that is longer than `max_chars` forbids no cuts.
        let stale = open.partition_point(|sign| count - sign.chars > max_chars);
        open.drain(..stale);
        let (closer, opens) = match classify_sign(c, before, next, &open) {
            Some(found) => found,
            None => continue,
        };
        if opens {
            open.push(OpenEnclosure {
                closer,
                at,
                chars: count,
            });
            continue;
        }
        // The bracket of a list item, `1)`, closes nothing.
        if c == ')' && markers[chunk] && !line.chunk(chunk).starts_with('(') {
            continue;
        }
        let Some(depth) = open.iter().rposition(|sign| sign.closer == closer) else {
            continue;
        };
        let start = open[depth].at;
        open.truncate(depth);
        let rule = if matches!(c, ')' | ']' | '}') {
            NoCutRule::Bracket
        } else {
            NoCutRule::Quote
        };
        let from = line.chunks.partition_point(|chunk| chunk.end <= start);
        for (gap, rule_here) in forbidden.iter_mut().enumerate().skip(from) {
            if line.chunks[gap].end >= at {
                break;
            }
            rule_here.get_or_insert(rule);
        }
    }
}

/// Decides what the character `c` between `before` and `next` does: returns the sign that closes its pair, and `true`
/// if `c` opens the pair or `false` if it closes it. Returns `None` if `c` is no such sign here, but for example an
/// apostrophe.
fn classify_sign(
    c: char,
    before: Option<char>,
    next: Option<char>,
    open: &[OpenEnclosure],
) -> Option<(ClosingSign, bool)> {
    let apart = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | '“' | '‘' | '"'));
    let tight = next.is_some_and(|c| !c.is_whitespace());
    let pending = |closer| open.iter().any(|sign| sign.closer == closer);
    let latin = |c: Option<char>| c.is_some_and(|c| is_latin(c) || c.is_ascii_digit());
    Some(match c {
        '(' => (ClosingSign::Sign(')'), true),
        '[' => (ClosingSign::Sign(']'), true),
        '{' => (ClosingSign::Sign('}'), true),
        '«' => (ClosingSign::Sign('»'), true),
        '「' => (ClosingSign::Sign('」'), true),
        '《' => (ClosingSign::Sign('》'), true),
        ')' | ']' | '}' | '»' | '」' | '》' => (ClosingSign::Sign(c), false),
        // Writers type either curly mark for the other.
        '“' | '„' => (ClosingSign::Double, apart || tight || !pending(ClosingSign::Double)),
        '”' => (ClosingSign::Double, apart && tight && !pending(ClosingSign::Double)),
        '"' if pending(ClosingSign::Double) => (ClosingSign::Double, apart && tight),
        // A mark right after a number is the sign for inches.
        '"' => (ClosingSign::Double, tight || apart && next.is_some()),
        '‘' => (ClosingSign::Single, true),
        '’' | '\'' if latin(before) && (latin(next) || !pending(ClosingSign::Single)) => return None,
        '’' => (ClosingSign::Single, false),
        '\'' => (ClosingSign::Single, tight && !pending(ClosingSign::Single)),
        _ => return None,
    })
}

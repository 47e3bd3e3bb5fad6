//! Quotation marks and brackets: finds those that belong together and forbids cuts between them.

use super::{Rule, is_latin};
use crate::thai::line::Line;

/// The sign that closes an opening quotation mark or bracket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closer {
    /// Any double quotation mark: writers mix straight and curly ones.
    Double,
    /// Any single quotation mark.
    Single,
    /// Exactly this sign.
    Sign(char),
}

/// An opening sign whose closing sign has not come yet.
struct Open {
    closer: Closer,
    /// Byte offset of the opening sign in the line.
    at: usize,
    /// Characters of the line up to and with the opening sign.
    chars: usize,
}

/// Forbids cuts inside matched quotation marks and brackets with at most `max_chars` characters between them.
/// `markers` says which chunks are list markers.
pub fn forbid_cuts(line: &Line, max_chars: usize, markers: &[bool], forbidden: &mut [Option<Rule>]) {
    let mut open: Vec<Open> = Vec::new();
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
        // Signs that were opened too long ago protect nothing.
        let stale = open.partition_point(|sign| count - sign.chars > max_chars);
        open.drain(..stale);
        let (closer, opens) = match classify(c, before, next, &open) {
            Some(found) => found,
            None => continue,
        };
        if opens {
            open.push(Open {
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
            Rule::Bracket
        } else {
            Rule::Quote
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

/// Decides what a character between `before` and `next` does: the closing sign of its pair, and whether the character
/// opens the pair (else it closes it). `None` if it is neither here, such as an apostrophe.
fn classify(c: char, before: Option<char>, next: Option<char>, open: &[Open]) -> Option<(Closer, bool)> {
    let apart = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | '“' | '‘' | '"'));
    let tight = next.is_some_and(|c| !c.is_whitespace());
    let pending = |closer| open.iter().any(|sign| sign.closer == closer);
    let latin = |c: Option<char>| c.is_some_and(|c| is_latin(c) || c.is_ascii_digit());
    Some(match c {
        '(' => (Closer::Sign(')'), true),
        '[' => (Closer::Sign(']'), true),
        '{' => (Closer::Sign('}'), true),
        '«' => (Closer::Sign('»'), true),
        '「' => (Closer::Sign('」'), true),
        '《' => (Closer::Sign('》'), true),
        ')' | ']' | '}' | '»' | '」' | '》' => (Closer::Sign(c), false),
        // Writers type either curly mark for the other.
        '“' | '„' => (Closer::Double, apart || tight || !pending(Closer::Double)),
        '”' => (Closer::Double, apart && tight && !pending(Closer::Double)),
        '"' if pending(Closer::Double) => (Closer::Double, apart && tight),
        // A mark right after a number is the sign for inches.
        '"' => (Closer::Double, tight || apart && next.is_some()),
        '‘' => (Closer::Single, true),
        '’' | '\'' if latin(before) && (latin(next) || !pending(Closer::Single)) => return None,
        '’' => (Closer::Single, false),
        '\'' => (Closer::Single, tight && !pending(Closer::Single)),
        _ => return None,
    })
}

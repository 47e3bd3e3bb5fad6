//! Quotation marks and brackets: which belong together, and the spaces between them.

use super::{Rule, is_latin};
use crate::thai::line::Line;

/// What an opening sign is closed by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closer {
    /// Any double quotation mark: writers mix them.
    Double,
    /// Any single one.
    Single,
    /// This sign.
    Sign(char),
}

/// Bars the gaps inside matched quotation marks and brackets that fit the cap. `leads` says which chunks lead the items
/// of a list.
pub fn bar(line: &Line, cap: usize, leads: &[bool], bars: &mut [Option<Rule>]) {
    // What is open: its closer, its byte, and how many characters stand before it.
    let mut open: Vec<(Closer, usize, usize)> = Vec::new();
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
        // What has been open for longer than the cap protects nothing.
        let stale = open.partition_point(|&(_, _, since)| count - since > cap);
        open.drain(..stale);
        let (closer, opens) = match sign(c, before, next, &open) {
            Some(found) => found,
            None => continue,
        };
        if opens {
            open.push((closer, at, count));
            continue;
        }
        // The bracket of an item, `1)`, closes nothing.
        if c == ')' && leads[chunk] && !line.chunk(chunk).starts_with('(') {
            continue;
        }
        let Some(depth) = open.iter().rposition(|&(expected, ..)| expected == closer) else {
            continue;
        };
        let (_, start, _) = open[depth];
        open.truncate(depth);
        let rule = if matches!(c, ')' | ']' | '}') {
            Rule::Bracket
        } else {
            Rule::Quote
        };
        let from = line.chunks.partition_point(|chunk| chunk.end <= start);
        for (gap, bar) in bars.iter_mut().enumerate().skip(from) {
            if line.chunks[gap].end >= at {
                break;
            }
            bar.get_or_insert(rule);
        }
    }
}

/// What a sign closes or is closed by, and whether it opens; none for what is no such sign here.
fn sign(c: char, before: Option<char>, next: Option<char>, open: &[(Closer, usize, usize)]) -> Option<(Closer, bool)> {
    let apart = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | '“' | '‘' | '"'));
    let tight = next.is_some_and(|c| !c.is_whitespace());
    let pending = |closer| open.iter().any(|&(expected, ..)| expected == closer);
    let latin = |c: Option<char>| c.is_some_and(|c| is_latin(c) || c.is_ascii_digit());
    Some(match c {
        '(' => (Closer::Sign(')'), true),
        '[' => (Closer::Sign(']'), true),
        '{' => (Closer::Sign('}'), true),
        '«' => (Closer::Sign('»'), true),
        '「' => (Closer::Sign('」'), true),
        '《' => (Closer::Sign('》'), true),
        ')' | ']' | '}' | '»' | '」' | '》' => (Closer::Sign(c), false),
        // Both curly marks are typed for either.
        '“' | '„' => (Closer::Double, apart || tight || !pending(Closer::Double)),
        '”' => (Closer::Double, apart && tight && !pending(Closer::Double)),
        '"' if pending(Closer::Double) => (Closer::Double, apart && tight),
        // Inches follow their number.
        '"' => (Closer::Double, tight || apart && next.is_some()),
        '‘' => (Closer::Single, true),
        '’' | '\'' if latin(before) && (latin(next) || !pending(Closer::Single)) => return None,
        '’' => (Closer::Single, false),
        '\'' => (Closer::Single, tight && !pending(Closer::Single)),
        _ => return None,
    })
}

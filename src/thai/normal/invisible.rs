//! Normalisation of what a reader does not see: zero-width characters, soft hyphens, direction marks, and HTML
//! references to them that were left in plain text.

use super::SourceChar;
use crate::span::Span;

/// Whether a character is invisible: a zero-width character, a soft hyphen, a direction mark or a byte-order mark.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    )
}

/// Whether a character is a space at which no line is broken.
pub fn is_no_break_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Drops invisible characters, and HTML references to them (`&#8203;`); a reference to a no-break space (`&nbsp;`)
/// becomes that space. A joiner between two emoji stays, since it makes one emoji of them.
pub fn drop_invisible_chars(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    const ZERO_WIDTH_JOINER: char = '\u{200d}';
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    let mut rest = chars.as_slice();
    while let [char, after @ ..] = rest {
        let joins_emoji = char.c == ZERO_WIDTH_JOINER
            && out.last().is_some_and(|last| is_emoji_part(last.c))
            && after.first().is_some_and(|next| is_emoji_part(next.c));
        rest = match parse_reference(rest) {
            Some((c, length)) => {
                let source = Span::new(char.source.start, rest[length - 1].source.end);
                out.extend(is_no_break_space(c).then_some(SourceChar { c, source }));
                &rest[length..]
            }
            None => {
                out.extend((joins_emoji || !is_invisible(char.c)).then_some(*char));
                after
            }
        };
    }
    out
}

/// Parses an HTML reference to an invisible character or a no-break space at the start of `chars`. Returns the
/// character and the number of characters of the reference.
fn parse_reference(chars: &[SourceChar]) -> Option<(char, usize)> {
    const MAX_REFERENCE_CHARS: usize = 18;
    chars.first().filter(|first| first.c == '&')?;
    let end = chars.iter().take(MAX_REFERENCE_CHARS).position(|char| char.c == ';')?;
    let name: String = chars[1..end].iter().map(|char| char.c).collect();
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)?
        }
        None => match name.as_str() {
            "nbsp" | "NonBreakingSpace" => '\u{a0}',
            "shy" => '\u{ad}',
            "ZeroWidthSpace" => '\u{200b}',
            "zwnj" => '\u{200c}',
            "zwj" => '\u{200d}',
            "lrm" => '\u{200e}',
            "rlm" => '\u{200f}',
            "NoBreak" => '\u{2060}',
            _ => return None,
        },
    };
    (is_invisible(c) || is_no_break_space(c)).then_some((c, end + 1))
}

/// Whether a character is an emoji or belongs to one: a variation selector or a skin tone.
fn is_emoji_part(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

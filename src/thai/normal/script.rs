//! Superscripts and subscripts beside figures. Many tokenizers write them as ordinary digits, so that 1,569³ would become
//! 1,5693.

use super::{SourceChar, Span};

/// Writes a superscript or subscript figure as an ordinary one, apart from the figure beside it: 10⁶ becomes 10^6, and any
/// other figure gets a space: `1,569 3`. Parts a fraction such as ½ from a figure before it, too. Figures beside letters,
/// as in H₂O and km², stay.
pub(super) fn separate_scripts(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    if chars
        .iter()
        .all(|char| char.c.is_ascii() || ('\u{e00}'..='\u{e7f}').contains(&char.c))
    {
        return chars;
    }
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    let is_digit = |char: Option<&SourceChar>| char.is_some_and(|char| char.c.is_ascii_digit());
    let separator = |c: char, before: &SourceChar| SourceChar {
        c,
        source: Span::new(before.source.start, before.source.start),
    };
    let mut rest = chars.as_slice();
    while let [first, others @ ..] = rest {
        let length = rest.iter().take_while(|char| ordinary_form(char.c).is_some()).count();
        let Some((_, is_super)) = ordinary_form(first.c) else {
            if is_fraction(first.c) && is_digit(out.last()) {
                out.push(separator(' ', first));
            }
            out.push(*first);
            rest = others;
            continue;
        };
        let (run, after) = rest.split_at(length);
        rest = after;
        let figures: Vec<SourceChar> = run
            .iter()
            .filter_map(|char| ordinary_form(char.c).map(|(c, _)| SourceChar { c, ..*char }))
            .collect();
        let has_figure = figures.iter().any(|char| char.c.is_ascii_digit());
        if !has_figure || !is_digit(out.last()) && !is_digit(after.first()) {
            out.extend(run);
            continue;
        }
        if is_digit(out.last()) {
            let c = if is_super && ends_with_ten(&out) { '^' } else { ' ' };
            out.push(separator(c, first));
        }
        out.extend(figures);
        if let Some(next) = after.first().filter(|next| next.c.is_ascii_digit()) {
            out.push(separator(' ', next));
        }
    }
    out
}

/// Returns the ordinary form of a superscript or subscript digit or sign, and whether it is a superscript.
fn ordinary_form(c: char) -> Option<(char, bool)> {
    let digit = |zero: u32| char::from_digit(c as u32 - zero, 10);
    match c {
        '⁰' | '⁴'..='⁹' => digit('⁰' as u32).map(|c| (c, true)),
        '¹' => Some(('1', true)),
        '²' => Some(('2', true)),
        '³' => Some(('3', true)),
        '⁺' => Some(('+', true)),
        '⁻' => Some(('-', true)),
        '₀'..='₉' => digit('₀' as u32).map(|c| (c, false)),
        '₊' => Some(('+', false)),
        '₋' => Some(('-', false)),
        _ => None,
    }
}

/// Whether a text ends with the number 10 and no longer one: its superscript is an exponent, not the mark of a footnote.
fn ends_with_ten(chars: &[SourceChar]) -> bool {
    match chars {
        [.., before, one, zero] => {
            (one.c, zero.c) == ('1', '0') && !(before.c.is_ascii_digit() || matches!(before.c, ',' | '.'))
        }
        [one, zero] => (one.c, zero.c) == ('1', '0'),
        _ => false,
    }
}

/// Whether a character is a fraction of two figures, such as ½.
fn is_fraction(c: char) -> bool {
    matches!(c, '¼'..='¾' | '⅐'..='⅞' | '↉')
}

#[cfg(test)]
mod tests {
    use crate::thai::normalise_thai;

    /// Issue 19, kind 12.
    #[test]
    fn figures_above_the_line_do_not_run_together_with_those_on_it() {
        for (text, expected) in [
            ("ประชากร 1,569³ คน", "ประชากร 1,569 3 คน"),
            ("ปี ๒๕๖๖¹²", "ปี 2566 12"),
            ("10⁶ ตัว", "10^6 ตัว"),
            ("3×10⁻⁶", "3×10^-6"),
            ("110⁶", "110 6"),
            ("2,510⁶", "2,510 6"),
            ("log₂8", "log2 8"),
            ("1½ ไร่", "1 ½ ไร่"),
            ("H₂O", "H₂O"),
            ("25 กม²", "25 กม²"),
            ("½ ไร่", "½ ไร่"),
            ("5⁺", "5⁺"),
        ] {
            assert_eq!(normalise_thai(text), expected);
            assert_eq!(normalise_thai(expected), expected);
        }
    }

    /// Issue 19, kind 12: families, skin tones, flags, keycaps and emoji with a presentation selector.
    #[test]
    fn emoji_stay_whole() {
        for emoji in [
            "👨\u{200d}👩\u{200d}👧\u{200d}👦",
            "👩🏽\u{200d}🚒",
            "❤\u{fe0f}\u{200d}🔥",
            "🏳\u{fe0f}\u{200d}🌈",
            "🧑🏻\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}🧑🏿",
            "🤷🏾\u{200d}♂\u{fe0f}",
            "🇹🇭",
            "1\u{fe0f}\u{20e3}",
            "👍🏿",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        ] {
            let text = format!("ข่าว {emoji} ดี{emoji}");
            assert_eq!(normalise_thai(&text), text);
        }
        assert_eq!(normalise_thai("ก\u{200d}ข👍\u{200d}ค\u{200d}👍\u{200d}"), "กข👍ค👍");
    }
}

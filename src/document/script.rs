//! Superscripts and subscripts: figures that stand above or below the line are written with Unicode's own characters, so
//! that they do not run together with the figures beside them.

/// Whether text stands above or below the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Above the line, as the mark of a footnote or an exponent: `<sup>`.
    Super,
    /// Below the line, as in the formula of a molecule: `<sub>`.
    Sub,
}

impl Script {
    /// Returns the script that the HTML element `name` sets its text in, if any.
    pub fn of_element(name: &[u8]) -> Option<Self> {
        match name {
            b"sup" => Some(Self::Super),
            b"sub" => Some(Self::Sub),
            _ => None,
        }
    }

    /// Returns the superscript or subscript form of a digit (ASCII or Thai) or a sign; none for other characters.
    pub fn form_of(self, c: char) -> Option<char> {
        const SUPER: [char; 12] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹', '⁺', '⁻'];
        const SUB: [char; 12] = ['₀', '₁', '₂', '₃', '₄', '₅', '₆', '₇', '₈', '₉', '₊', '₋'];
        let index = match c {
            '0'..='9' => c as usize - '0' as usize,
            '๐'..='๙' => c as usize - '๐' as usize,
            '+' => 10,
            '-' | '−' | '–' => 11,
            _ => return None,
        };
        Some(match self {
            Self::Super => SUPER[index],
            Self::Sub => SUB[index],
        })
    }
}

/// Whether a superscript or subscript would run together with a figure beside it: it begins or ends with a figure, which
/// may have a sign.
pub(super) fn touches_figures(text: &str) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || ('๐'..='๙').contains(&c));
    let unsigned = text.trim_start_matches(['+', '-', '−', '–']);
    is_digit(unsigned.chars().next()) || is_digit(text.chars().next_back())
}

//! Reads numbers in digits and in words, with scales such as million and ล้าน.

use super::amount::Amount;
use super::kind::TokenKind;
use super::lexicon;
use super::reader::QuantityReader;
use super::{Language, QuantityPrecision};

/// A number in a text, without its unit.
#[derive(Clone, Copy)]
pub struct Number {
    /// Value of the number.
    pub amount: Amount,
    /// The number before the scales, such as 3 in 3 แสนล้าน (3 hundred thousand million).
    pub factor: Amount,
    /// Product of the scale words, such as a million, if the number is one factor times scales; `None` otherwise.
    pub scale: Option<Amount>,
    /// Whether the number is only the word one or a scale word alone; in most texts these are no numbers.
    pub is_bare: bool,
    /// How exact the number's own words say that it is: several, and more.
    pub precision: QuantityPrecision,
    /// Index of the token after the number.
    pub end: usize,
}

impl Number {
    /// Makes a number without scale words that ends before token `end`.
    pub fn without_scale_words(amount: Amount, end: usize) -> Self {
        Self {
            amount,
            factor: amount,
            scale: None,
            is_bare: false,
            precision: QuantityPrecision::Exact,
            end,
        }
    }
}

/// Number of tokens after which the reading of one number stops, so that a long run of number words takes little time.
const MAX_NUMBER_TOKENS: usize = 32;

/// Adds up the value of a number in words while its words are read from left to right.
///
/// A scale of at least a base (a million in Thai, a thousand in English) completes a section: it multiplies all that
/// was read since the last such scale. In "two million three hundred thousand five", "two million" and "three hundred
/// thousand" are completed sections.
#[derive(Clone, Copy)]
struct NumberAccumulator {
    /// Sum of the completed sections of the number: two million in "two million three hundred five".
    total: Amount,
    /// Value read since the last completed section, without `pending`: three hundred in "two million three hundred
    /// five".
    section: Amount,
    /// Number that was read last and that a scale word may still multiply: five in "two million three hundred five".
    pending: Option<Amount>,
    /// The last scale (such as 100 for hundred) that was read; `u64::MAX` if there was none.
    last_scale: u64,
    /// The last scale that completed a section, such as a million in "two million three hundred"; `u64::MAX` if there
    /// was none.
    last_section_scale: u64,
    /// The number before the first scale: see [`Number::factor`].
    factor: Option<Amount>,
    /// Product of the scales read so far; `None` once a second number was read.
    scale: Option<Amount>,
}

impl NumberAccumulator {
    fn new() -> Self {
        Self {
            total: Amount::ZERO,
            section: Amount::ZERO,
            pending: None,
            last_scale: u64::MAX,
            last_section_scale: u64::MAX,
            factor: None,
            scale: Some(Amount::from_integer(1)),
        }
    }

    /// Takes up a number that a scale word may still multiply.
    fn push_number(&mut self, amount: Amount) {
        self.pending = Some(amount);
        if self.factor.is_none() && self.last_scale == u64::MAX {
            self.factor = Some(amount);
        } else {
            self.scale = None;
        }
    }

    /// Whether `scale` may be the next scale: the scales of one number descend, except in ล้านล้าน (million million).
    /// `base` is the smallest scale that multiplies all that was read since the last such scale: a million in Thai, a
    /// thousand in English.
    fn scale_fits(&self, scale: u64, base: u64) -> bool {
        if scale < base {
            return scale < self.last_scale || self.last_scale >= base;
        }
        let twice = base > 1_000 && self.section == Amount::ZERO && self.pending.is_none();
        scale < self.last_section_scale || twice
    }

    /// Multiplies by a scale: all that was read since the last scale of at least `base` if this scale is `base` or
    /// larger, else only the number read last. Returns `None` on overflow.
    fn multiply_by_scale(&mut self, scale: u64, base: u64) -> Option<()> {
        let factor = Amount::from_integer(scale);
        let one = Amount::from_integer(1);
        if scale >= base {
            let pending = self.pending.take().unwrap_or(Amount::ZERO);
            let mut sum = self.section.checked_add(pending)?;
            if base == 1_000_000 {
                // In ล้านล้าน (million million), the second ล้าน multiplies the section that the first one closed.
                sum = sum.checked_add(std::mem::replace(&mut self.total, Amount::ZERO))?;
            }
            let sum = if sum == Amount::ZERO { one } else { sum };
            self.total = self.total.checked_add(sum.checked_mul(factor)?)?;
            self.last_section_scale = scale;
            self.section = Amount::ZERO;
        } else {
            let product = self.pending.take().unwrap_or(one).checked_mul(factor)?;
            self.section = self.section.checked_add(product)?;
        }
        self.last_scale = scale;
        self.factor = self.factor.or(Some(one));
        self.scale = match self.scale {
            Some(scale) => scale.checked_mul(factor),
            None => None,
        };
        Some(())
    }

    /// Multiplies the digit at the end of a Thai number by a tenth of the scale before it: พันห้า (thousand five) is
    /// 1500. Returns `None` on overflow.
    fn apply_implied_scale(&mut self) -> Option<()> {
        if let Some(pending) = self.pending
            && self.last_scale >= 1_000
            && self.last_scale != u64::MAX
        {
            self.pending = Some(pending.checked_mul(Amount::from_ratio(self.last_scale.into(), 10)?)?);
        }
        Some(())
    }

    /// Whether a number word below a hundred may come next in an English number: after a word for tens, only a number
    /// below ten may.
    fn english_word_fits(&self, value: u64) -> bool {
        match self.pending.map(Amount::to_integer) {
            None => true,
            Some(Some(pending)) => {
                pending % 100 >= 20 && pending % 10 == 0 && (1..10).contains(&value) && self.last_scale != 1_000
            }
            Some(None) => false,
        }
    }

    /// Adds decimals to the number read last, which a scale may still multiply. Returns `None` on overflow.
    fn add_decimals(&mut self, decimals: Amount) -> Option<()> {
        let pending = self.pending.unwrap_or(Amount::ZERO).checked_add(decimals)?;
        if self.factor == self.pending {
            self.factor = Some(pending);
        }
        self.pending = Some(pending);
        Some(())
    }

    /// Returns the number that was read, which ends before token `end`, or `None` on overflow.
    fn into_number(self, precision: QuantityPrecision, end: usize) -> Option<Number> {
        let pending = self.pending.unwrap_or(Amount::ZERO);
        let amount = self.total.checked_add(self.section)?.checked_add(pending)?;
        Some(Number {
            amount,
            factor: self.factor.unwrap_or(amount),
            scale: self.scale.filter(|_| self.last_scale != u64::MAX),
            is_bare: false,
            precision,
            end,
        })
    }
}

impl QuantityReader<'_> {
    /// Reads a number that starts at token `at`.
    pub fn read_number(&self, at: usize) -> Option<Number> {
        let number = match self.language {
            Language::Thai => self.read_thai_number(at),
            Language::English => self.read_english_number(at),
        }?;
        let alone = number.end == at + 1;
        let is_bare = alone && matches!(self.token_kind(at), TokenKind::SmallNumber(1) | TokenKind::Scale(_));
        // Words that are a number only together with other words: เอ็ด, ยี่, few, half.
        if alone
            && (self.is_one_of(at, &["เอ็ด", "ยี่"])
                || matches!(self.token_kind(at), TokenKind::Several | TokenKind::Half))
        {
            return None;
        }
        Some(Number { is_bare, ..number })
    }

    /// Reads a number in digits, with a fraction after it if there is one (`1½`, `1 1/2`). Returns its value and the
    /// index of the token after it.
    fn read_numeral_with_fraction(&self, at: usize) -> Option<(Amount, usize)> {
        let numeral = self.read_numeral(at).filter(|_| !self.is_in_name(at))?;
        if let TokenKind::Symbol(symbol) = self.token_kind(at + 1)
            && self.is_joined_to_previous(at + 1)
            && let Some((part, whole)) = lexicon::fraction_of_symbol(symbol)
        {
            return Some((
                numeral
                    .amount
                    .checked_add(Amount::from_ratio(part.into(), whole.into())?)?,
                at + 2,
            ));
        }
        // A fraction after a space: 1 1/2 cups.
        if let Some((part, whole, end)) = self.read_simple_fraction(at + 1)
            && !self.is_joined_to_previous(at + 1)
            && numeral.value_if_only_digits().is_some_and(|whole| whole < 100)
        {
            return Some((
                numeral
                    .amount
                    .checked_add(Amount::from_ratio(part.into(), whole.into())?)?,
                end,
            ));
        }
        Some((numeral.amount, at + 1))
    }

    /// Reads หลาย or several before a scale word. Returns [`QuantityPrecision::Several`] and the index of the scale; without
    /// such a word, [`QuantityPrecision::Exact`] and `at`; `None` if the word is there but no scale follows.
    fn read_several_before_scale(&self, at: usize) -> Option<(QuantityPrecision, usize)> {
        if !matches!(self.token_kind(at), TokenKind::Several) {
            return Some((QuantityPrecision::Exact, at));
        }
        // A couple of thousand.
        let scale = if self.is_one_of(at + 1, &["of"]) {
            at + 2
        } else {
            at + 1
        };
        matches!(self.token_kind(scale), TokenKind::Scale(_)).then_some((QuantityPrecision::Several, scale))
    }

    /// Reads a number in Thai that starts at token `at`: 3 แสนล้าน, สองร้อยห้าสิบ.
    fn read_thai_number(&self, at: usize) -> Option<Number> {
        const MILLION: u64 = 1_000_000;
        let mut sum = NumberAccumulator::new();
        let (mut precision, mut end) = self.read_several_before_scale(at)?;
        let most = at + MAX_NUMBER_TOKENS;
        // The state after the last scale, to return to if a scale does not fit: ยี่สิบสามสิบ (twenty thirty) is two
        // numbers.
        let mut whole = (sum, end);
        while end < most {
            let first = end == at;
            match self.token_kind(end) {
                TokenKind::Numeral(numeral) if sum.pending.is_none() => {
                    // A later numeral belongs to the number only if a smaller scale follows: 2 ล้าน 5 แสน, but not 2
                    // ล้าน 300.
                    let lower = matches!(self.token_kind(end + 1), TokenKind::Scale(scale) if scale < sum.last_scale);
                    if !first && (numeral.has_commas || !lower) {
                        break;
                    }
                    let (amount, next) = self.read_numeral_with_fraction(end)?;
                    sum.push_number(amount);
                    end = next;
                }
                TokenKind::SmallNumber(value)
                    if sum.pending.is_none() && (first || self.is_joined_to_previous(end)) =>
                {
                    sum.push_number(Amount::from_integer(value));
                    end += 1;
                }
                TokenKind::ScaleLetter(scale)
                    if self.is_joined_to_previous(end) && sum.last_scale == u64::MAX && !first =>
                {
                    if self.is_scale_letter(end) {
                        sum.multiply_by_scale(scale, MILLION)?;
                        end += 1;
                    }
                    break;
                }
                // Scales may be Latin words too: 5 million.
                TokenKind::Scale(scale) => {
                    if !(first || scale >= MILLION || self.continues_number(end)) {
                        break;
                    }
                    if !sum.scale_fits(scale, MILLION) {
                        (sum, end) = whole;
                        break;
                    }
                    sum.multiply_by_scale(scale, MILLION)?;
                    end += 1;
                    whole = (sum, end);
                }
                TokenKind::AndMore
                    if matches!(self.token_kind(end + 1), TokenKind::Scale(scale) if scale >= 10) && !first =>
                {
                    precision = QuantityPrecision::Over;
                    end += 1;
                }
                // หนึ่งร้อยเอ็ด is 101; ร้อยเอ็ด alone is a province.
                TokenKind::NotQuantity
                    if sum.pending.is_some() && self.is_joined_to_previous(end) && self.is_one_of(end, &["ร้อยเอ็ด"]) =>
                {
                    sum.multiply_by_scale(100, MILLION)?;
                    sum.push_number(Amount::from_integer(1));
                    end += 1;
                    break;
                }
                // Decimals in words: สามจุดห้า (three point five).
                TokenKind::Point if !first && self.is_joined_to_previous(end) => {
                    let (decimals, next) = self.read_decimals(end + 1)?;
                    if next == end + 1 {
                        break;
                    }
                    sum.add_decimals(decimals)?;
                    end = next;
                }
                // Half of the last scale: สองล้านครึ่ง (two and a half million).
                TokenKind::Half
                    if sum.last_scale != u64::MAX
                        && sum.pending.is_none()
                        && self.is_one_of(end, &["ครึ่ง"])
                        && sum.last_scale >= 100 =>
                {
                    sum.section = sum
                        .section
                        .checked_add(Amount::from_integer(sum.last_scale).checked_mul(Amount::HALF)?)?;
                    sum.scale = None;
                    end += 1;
                    break;
                }
                _ => break,
            }
        }
        if end == at {
            return None;
        }
        if matches!(self.token_kind(end - 1), TokenKind::SmallNumber(1..10)) && !self.is_one_of(end - 1, &["เอ็ด"])
        {
            sum.apply_implied_scale()?;
        }
        self.add_half_after_unit(sum.into_number(precision, end)?)
    }

    /// Whether a scale at token `at` belongs to the number before it: without a space, or after digits.
    fn continues_number(&self, at: usize) -> bool {
        self.is_joined_to_previous(at) || self.read_numeral(at - 1).is_some()
    }

    /// Adds a half to a Thai number if the word ครึ่ง stands after its unit: สองปีครึ่ง (two and a half years).
    fn add_half_after_unit(&self, number: Number) -> Option<Number> {
        let half = number.end + 1;
        let has_half = self.is_unit(number.end)
            && matches!(self.token_kind(half), TokenKind::Half)
            && self.is_joined_to_previous(half)
            && self.is_one_of(half, &["ครึ่ง"]);
        if !has_half {
            return Some(number);
        }
        Some(Number {
            amount: number.amount.checked_add(Amount::HALF)?,
            end: half + 1,
            ..number
        })
    }

    /// Returns the index of the token after a hyphen between two words of an English number, or after an "and" that
    /// follows a scale word. Returns `at` if there is no connector.
    fn skip_number_word_connector(&self, at: usize) -> usize {
        match self.token_kind(at) {
            TokenKind::Symbol('-') if self.is_joined_to_previous(at) && self.is_joined_to_previous(at + 1) => at + 1,
            _ if self.is_one_of(at, &["and"]) && matches!(self.token_kind(at.wrapping_sub(1)), TokenKind::Scale(_)) => {
                at + 1
            }
            _ => at,
        }
    }

    /// Reads a number in English that starts at token `at`: 3 million, two hundred and fifty.
    fn read_english_number(&self, at: usize) -> Option<Number> {
        const THOUSAND: u64 = 1_000;
        if let Some(found) = self.read_plural_scale_word(at) {
            return Some(found);
        }
        let mut sum = NumberAccumulator::new();
        let (precision, mut end) = self.read_several_before_scale(at)?;
        let most = at + MAX_NUMBER_TOKENS;
        // The state after the last scale, to return to if a scale does not fit: three million and five million are two
        // numbers.
        let mut whole = (sum, end);
        while end < most {
            let first = end == at;
            let next = if first {
                end
            } else {
                self.skip_number_word_connector(end)
            };
            match self.token_kind(next) {
                TokenKind::Numeral(_) if first => {
                    let (amount, after) = self.read_numeral_with_fraction(next)?;
                    sum.push_number(amount);
                    end = after;
                }
                TokenKind::SmallNumber(value) => {
                    if !sum.english_word_fits(value) || self.read_numeral(end.wrapping_sub(1)).is_some() {
                        break;
                    }
                    match sum.pending {
                        Some(pending) => {
                            let joined = pending.checked_add(Amount::from_integer(value))?;
                            sum.pending = Some(joined);
                            if sum.factor == Some(pending) {
                                sum.factor = Some(joined);
                            }
                        }
                        None => sum.push_number(Amount::from_integer(value)),
                    }
                    end = next + 1;
                }
                TokenKind::ScaleLetter(scale) if next == end && !first && self.read_numeral(end - 1).is_some() => {
                    if self.is_scale_letter(end) {
                        sum.multiply_by_scale(scale, THOUSAND)?;
                        end += 1;
                    }
                    break;
                }
                TokenKind::Scale(scale) => {
                    if !sum.scale_fits(scale, THOUSAND) {
                        (sum, end) = whole;
                        break;
                    }
                    sum.multiply_by_scale(scale, THOUSAND)?;
                    end = next + 1;
                    whole = (sum, end);
                }
                _ if first
                    && self.is_one_of(end, &["a", "an"])
                    && matches!(self.token_kind(end + 1), TokenKind::Scale(_)) =>
                {
                    sum.push_number(Amount::from_integer(1));
                    end += 1;
                }
                TokenKind::Point if !first => {
                    let (decimals, next) = self.read_decimals(end + 1)?;
                    if next == end + 1 {
                        break;
                    }
                    sum.add_decimals(decimals)?;
                    end = next;
                }
                // Two and a half million, a million and a half.
                _ if !first && let Some(after) = self.skip_and_a_half(end) => {
                    match sum.pending {
                        Some(pending) => sum.push_number(pending.checked_add(Amount::HALF)?),
                        None => {
                            sum.section = sum
                                .section
                                .checked_add(Amount::from_integer(sum.last_scale).checked_mul(Amount::HALF)?)?
                        }
                    }
                    sum.factor = sum.pending.or(sum.factor);
                    end = after;
                }
                _ => break,
            }
        }
        if end == at {
            None
        } else {
            sum.into_number(precision, end)
        }
    }

    /// Returns the index of the token after the words `and a half`, which hyphens may join, if they start at token
    /// `at`.
    pub fn skip_and_a_half(&self, at: usize) -> Option<usize> {
        let step = |at: usize, word: &str| {
            let at = if matches!(self.token_kind(at), TokenKind::Symbol('-')) {
                at + 1
            } else {
                at
            };
            self.is_one_of(at, &[word]).then_some(at + 1)
        };
        step(step(step(at, "and")?, "a")?, "half")
    }

    /// Reads a scale word in the plural: thousands, hundreds of thousands.
    fn read_plural_scale_word(&self, at: usize) -> Option<Number> {
        let TokenKind::PluralScale(first) = self.token_kind(at) else {
            return None;
        };
        let second = match self.token_kind(at + 2) {
            TokenKind::PluralScale(second) if self.is_one_of(at + 1, &["of"]) => Some(second),
            _ => None,
        };
        let amount = Amount::from_integer(first).checked_mul(Amount::from_integer(second.unwrap_or(1)))?;
        // Tens and scores alone are mostly no numbers.
        if second.is_none() && first == 10 && !self.is_one_of(at, &["dozens"]) {
            return None;
        }
        let mut number = Number::without_scale_words(amount, if second.is_some() { at + 3 } else { at + 1 });
        number.precision = QuantityPrecision::Several;
        Some(number)
    }

    /// Reads the digits in words after a decimal point. Returns them as a value below 1, and the index of the token
    /// after them.
    fn read_decimals(&self, at: usize) -> Option<(Amount, usize)> {
        const MAX_DECIMAL_WORDS: usize = 6;
        let (mut amount, mut end, mut place) = (Amount::ZERO, at, 1u128);
        while end - at < MAX_DECIMAL_WORDS
            && let TokenKind::SmallNumber(digit @ 0..10) = self.token_kind(end)
        {
            place *= 10;
            amount = amount.checked_add(Amount::from_ratio(digit.into(), place)?)?;
            end += 1;
        }
        Some((amount, end))
    }

    /// Whether letters after digits are a scale: `bn` always is, but `m` means metres unless the number is an amount of
    /// money, and `5B` may be a name, but not `3.8B`.
    fn is_scale_letter(&self, at: usize) -> bool {
        let money = at > 1 && matches!(self.token_kind(at - 2), TokenKind::Currency(_));
        match self.token_text(at) {
            "B" | "K" if !money => {
                let is_decimal = |at: usize| self.read_numeral(at).is_some_and(|numeral| numeral.decimals.is_some());
                self.is_joined_to_previous(at) && at > 0 && is_decimal(at - 1)
            }
            "m" | "b" | "B" | "K" => money && self.is_joined_to_previous(at),
            "k" | "M" => self.is_joined_to_previous(at),
            _ => true,
        }
    }
}

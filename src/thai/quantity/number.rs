//! Numbers in digits and in words, with their scales.

use super::amount::Amount;
use super::lexicon::{self, Kind};
use super::reader::Reader;
use super::{Language, Precision};

/// A number without its unit.
#[derive(Clone, Copy)]
pub struct Number {
    pub amount: Amount,
    /// What stands before the scale: 3 of 3 แสนล้าน.
    pub head: Amount,
    /// The scale, where the number is one such product.
    pub scale: Option<Amount>,
    /// Whether it is a lone one or a lone scale, words which mostly are no numbers.
    pub is_bare: bool,
    pub precision: Precision,
    /// The token after it.
    pub end: usize,
}

impl Number {
    pub fn simple(amount: Amount, end: usize) -> Self {
        Self {
            amount,
            head: amount,
            scale: None,
            is_bare: false,
            precision: Precision::Exact,
            end,
        }
    }
}

/// Tokens that one number may have at most.
const MOST: usize = 32;

/// The sum that a number's words build up.
#[derive(Clone, Copy)]
struct Sum {
    total: Amount,
    /// Below the next ล้าน or thousand.
    section: Amount,
    pending: Option<Amount>,
    /// The last scale, which the next must be below within a section.
    last: u64,
    /// The last scale that closed a section.
    largest: u64,
    /// The first pending number, and the product of the scales while nothing is added.
    head: Option<Amount>,
    scale: Option<Amount>,
}

impl Sum {
    fn new() -> Self {
        Self {
            total: Amount::ZERO,
            section: Amount::ZERO,
            pending: None,
            last: u64::MAX,
            largest: u64::MAX,
            head: None,
            scale: Some(Amount::whole(1)),
        }
    }

    /// Takes a number which a scale may follow.
    fn take(&mut self, amount: Amount) {
        self.pending = Some(amount);
        if self.head.is_none() && self.last == u64::MAX {
            self.head = Some(amount);
        } else {
            self.scale = None;
        }
    }

    /// Whether a scale may follow: scales of one number descend, but for ล้านล้าน.
    fn fits(&self, scale: u64, base: u64) -> bool {
        if scale < base {
            return scale < self.last || self.last >= base;
        }
        let twice = base > 1_000 && self.section == Amount::ZERO && self.pending.is_none();
        scale < self.largest || twice
    }

    /// Multiplies by a scale: the whole section by `base` and above, what is pending below it.
    fn multiply(&mut self, scale: u64, base: u64) -> Option<()> {
        let factor = Amount::whole(scale);
        let one = Amount::whole(1);
        if scale >= base {
            let pending = self.pending.take().unwrap_or(Amount::ZERO);
            let mut sum = self.section.plus(pending)?;
            if base == 1_000_000 {
                // ล้านล้าน multiplies again what the first has.
                sum = sum.plus(std::mem::replace(&mut self.total, Amount::ZERO))?;
            }
            let sum = if sum == Amount::ZERO { one } else { sum };
            self.total = self.total.plus(sum.times(factor)?)?;
            self.largest = scale;
            self.section = Amount::ZERO;
        } else {
            let product = self.pending.take().unwrap_or(one).times(factor)?;
            self.section = self.section.plus(product)?;
        }
        self.last = scale;
        self.head = self.head.or(Some(one));
        self.scale = match self.scale {
            Some(scale) => scale.times(factor),
            None => None,
        };
        Some(())
    }

    /// Adds what stands after the point, to what a scale may still multiply.
    fn add_decimals(&mut self, decimals: Amount) -> Option<()> {
        let pending = self.pending.unwrap_or(Amount::ZERO).plus(decimals)?;
        if self.head == self.pending {
            self.head = Some(pending);
        }
        self.pending = Some(pending);
        Some(())
    }

    fn finish(self, precision: Precision, end: usize) -> Option<Number> {
        let pending = self.pending.unwrap_or(Amount::ZERO);
        let amount = self.total.plus(self.section)?.plus(pending)?;
        Some(Number {
            amount,
            head: self.head.unwrap_or(amount),
            scale: self.scale.filter(|_| self.last != u64::MAX),
            is_bare: false,
            precision,
            end,
        })
    }
}

impl Reader<'_> {
    /// The number that begins here.
    pub fn number(&self, at: usize) -> Option<Number> {
        let number = match self.language {
            Language::Thai => self.thai_number(at),
            Language::English => self.english_number(at),
        }?;
        let alone = number.end == at + 1;
        let is_bare = alone && matches!(self.kind(at), Kind::Small(1) | Kind::Scale(_));
        // Parts of numbers which are none themselves; few and หลาย without a scale.
        if alone && (self.is(at, &["เอ็ด", "ยี่"]) || matches!(self.kind(at), Kind::Several | Kind::Half))
        {
            return None;
        }
        Some(Number { is_bare, ..number })
    }

    /// A numeral with a vulgar fraction after it, and the token after both.
    fn digits(&self, at: usize) -> Option<(Amount, usize)> {
        let numeral = self.numeral(at).filter(|_| !self.is_label(at))?;
        if let Kind::Symbol(symbol) = self.kind(at + 1)
            && self.glued(at + 1)
            && let Some((part, whole)) = lexicon::vulgar(symbol)
        {
            return Some((numeral.amount.plus(Amount::ratio(part.into(), whole.into())?)?, at + 2));
        }
        // 1 1/2 cups.
        if let Some((part, whole, end)) = self.simple_fraction(at + 1)
            && !self.glued(at + 1)
            && numeral.plain().is_some_and(|whole| whole < 100)
        {
            return Some((numeral.amount.plus(Amount::ratio(part.into(), whole.into())?)?, end));
        }
        Some((numeral.amount, at + 1))
    }

    fn thai_number(&self, at: usize) -> Option<Number> {
        const MILLION: u64 = 1_000_000;
        let mut sum = Sum::new();
        let mut precision = Precision::Exact;
        let mut end = at;
        if matches!(self.kind(at), Kind::Several) {
            precision = Precision::Several;
            end += 1;
            if !matches!(self.kind(end), Kind::Scale(_)) {
                return None;
            }
        }
        let most = at + MOST;
        // As far as the last scale: ยี่สิบสามสิบ are two numbers.
        let mut whole = (sum, end);
        while end < most {
            let first = end == at;
            match self.kind(end) {
                Kind::Numeral(numeral) if sum.pending.is_none() => {
                    // 2 ล้าน 5 แสน, but not 2 ล้าน 300.
                    let lower = matches!(self.kind(end + 1), Kind::Scale(scale) if scale < sum.last);
                    if !first && (numeral.grouped || !lower) {
                        break;
                    }
                    let (amount, next) = self.digits(end)?;
                    sum.take(amount);
                    end = next;
                }
                Kind::Small(value) if sum.pending.is_none() && (first || self.glued(end)) => {
                    sum.take(Amount::whole(value));
                    end += 1;
                }
                Kind::Letter(scale) if self.glued(end) && sum.last == u64::MAX && !first => {
                    if self.is_scale_letter(end) {
                        sum.multiply(scale, MILLION)?;
                        end += 1;
                    }
                    break;
                }
                // million and the like, in Latin letters.
                Kind::Scale(scale) => {
                    let spaced = first || self.glued(end) || self.numeral(end - 1).is_some() || scale >= MILLION;
                    if !spaced {
                        break;
                    }
                    if !sum.fits(scale, MILLION) {
                        (sum, end) = whole;
                        break;
                    }
                    sum.multiply(scale, MILLION)?;
                    end += 1;
                    whole = (sum, end);
                }
                Kind::More if matches!(self.kind(end + 1), Kind::Scale(scale) if scale >= 10) && !first => {
                    precision = Precision::Over;
                    end += 1;
                }
                // หนึ่งร้อยเอ็ด, which alone is a province.
                Kind::Not if sum.pending.is_some() && self.glued(end) && self.is(end, &["ร้อยเอ็ด"]) => {
                    sum.multiply(100, MILLION)?;
                    sum.take(Amount::whole(1));
                    end += 1;
                    break;
                }
                // สามจุดห้า.
                Kind::Point if !first && self.glued(end) => {
                    let (decimals, next) = self.decimals(end + 1)?;
                    if next == end + 1 {
                        break;
                    }
                    sum.add_decimals(decimals)?;
                    end = next;
                }
                // สองล้านครึ่ง.
                Kind::Half
                    if sum.last != u64::MAX && sum.pending.is_none() && self.is(end, &["ครึ่ง"]) && sum.last >= 100 =>
                {
                    sum.section = sum.section.plus(Amount::whole(sum.last).times(Amount::HALF)?)?;
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
        // พันห้า is fifteen hundred.
        if let Some(pending) = sum.pending
            && sum.last >= 1_000
            && sum.last != u64::MAX
            && matches!(self.kind(end - 1), Kind::Small(1..10))
            && !self.is(end - 1, &["เอ็ด"])
        {
            sum.pending = Some(pending.times(Amount::ratio(sum.last.into(), 10)?)?);
        }
        let mut number = sum.finish(precision, end)?;
        // สองปีครึ่ง.
        if self.is_unit(end)
            && matches!(self.kind(end + 1), Kind::Half)
            && self.glued(end + 1)
            && self.is(end + 1, &["ครึ่ง"])
        {
            number.amount = number.amount.plus(Amount::HALF)?;
            number.end = end + 2;
        }
        Some(number)
    }

    fn english_number(&self, at: usize) -> Option<Number> {
        const THOUSAND: u64 = 1_000;
        let mut sum = Sum::new();
        let mut precision = Precision::Exact;
        let mut end = at;
        if let Some(found) = self.plural(at) {
            return Some(found);
        }
        if matches!(self.kind(at), Kind::Several) {
            precision = Precision::Several;
            end += 1;
            if !matches!(self.kind(end), Kind::Scale(_)) {
                return None;
            }
        }
        let most = at + MOST;
        // As far as the last scale: three million and five million are two numbers.
        let mut whole = (sum, end);
        // What may stand between two words of one number.
        let step = |end: usize| match self.kind(end) {
            Kind::Symbol('-') if self.glued(end) && self.glued(end + 1) => end + 1,
            _ if self.is(end, &["and"]) && matches!(self.kind(end.wrapping_sub(1)), Kind::Scale(_)) => end + 1,
            _ => end,
        };
        while end < most {
            let first = end == at;
            let next = if first { end } else { step(end) };
            match self.kind(next) {
                Kind::Numeral(_) if first => {
                    let (amount, after) = self.digits(next)?;
                    sum.take(amount);
                    end = after;
                }
                Kind::Small(value) => {
                    let fits = match sum.pending.map(Amount::to_whole) {
                        None => true,
                        Some(Some(pending)) => {
                            pending % 100 >= 20 && pending % 10 == 0 && (1..10).contains(&value) && sum.last != THOUSAND
                        }
                        Some(None) => false,
                    };
                    if !fits || self.numeral(end.wrapping_sub(1)).is_some() {
                        break;
                    }
                    match sum.pending {
                        Some(pending) => {
                            let joined = pending.plus(Amount::whole(value))?;
                            sum.pending = Some(joined);
                            if sum.head == Some(pending) {
                                sum.head = Some(joined);
                            }
                        }
                        None => sum.take(Amount::whole(value)),
                    }
                    end = next + 1;
                }
                Kind::Letter(scale) if next == end && !first && self.numeral(end - 1).is_some() => {
                    if self.is_scale_letter(end) {
                        sum.multiply(scale, THOUSAND)?;
                        end += 1;
                    }
                    break;
                }
                Kind::Scale(scale) => {
                    if !sum.fits(scale, THOUSAND) {
                        (sum, end) = whole;
                        break;
                    }
                    sum.multiply(scale, THOUSAND)?;
                    end = next + 1;
                    whole = (sum, end);
                }
                _ if first && self.is(end, &["a", "an"]) && matches!(self.kind(end + 1), Kind::Scale(_)) => {
                    sum.take(Amount::whole(1));
                    end += 1;
                }
                Kind::Point if !first => {
                    let (decimals, next) = self.decimals(end + 1)?;
                    if next == end + 1 {
                        break;
                    }
                    sum.add_decimals(decimals)?;
                    end = next;
                }
                // Two and a half million, a million and a half.
                _ if !first && let Some(after) = self.and_a_half(end) => {
                    match sum.pending {
                        Some(pending) => sum.take(pending.plus(Amount::HALF)?),
                        None => sum.section = sum.section.plus(Amount::whole(sum.last).times(Amount::HALF)?)?,
                    }
                    sum.head = sum.pending.or(sum.head);
                    end = after;
                }
                _ => break,
            }
        }
        if end == at { None } else { sum.finish(precision, end) }
    }

    /// The token after `and a half`, which may have hyphens.
    pub fn and_a_half(&self, at: usize) -> Option<usize> {
        let step = |at: usize, word: &str| {
            let at = if matches!(self.kind(at), Kind::Symbol('-')) {
                at + 1
            } else {
                at
            };
            self.is(at, &[word]).then_some(at + 1)
        };
        step(step(step(at, "and")?, "a")?, "half")
    }

    /// Thousands, hundreds of thousands.
    fn plural(&self, at: usize) -> Option<Number> {
        let Kind::Plural(first) = self.kind(at) else {
            return None;
        };
        let second = match self.kind(at + 2) {
            Kind::Plural(second) if self.is(at + 1, &["of"]) => Some(second),
            _ => None,
        };
        let amount = Amount::whole(first).times(Amount::whole(second.unwrap_or(1)))?;
        // Tens and scores alone are mostly something else.
        if second.is_none() && first == 10 && !self.is(at, &["dozens"]) {
            return None;
        }
        let mut number = Number::simple(amount, if second.is_some() { at + 3 } else { at + 1 });
        number.precision = Precision::Several;
        Some(number)
    }

    /// Digits in words after the point, and the token after them.
    fn decimals(&self, at: usize) -> Option<(Amount, usize)> {
        const MOST: usize = 6;
        let (mut amount, mut end, mut place) = (Amount::ZERO, at, 1u128);
        while end - at < MOST
            && let Kind::Small(digit @ 0..10) = self.kind(end)
        {
            place *= 10;
            amount = amount.plus(Amount::ratio(digit.into(), place)?)?;
            end += 1;
        }
        Some((amount, end))
    }

    /// Whether letters after digits multiply: `bn` does, `m` is metres unless it is money.
    fn is_scale_letter(&self, at: usize) -> bool {
        let money = at > 1 && matches!(self.kind(at - 2), Kind::Currency(_));
        match self.slice(at) {
            "m" | "b" | "B" | "K" => money && self.glued(at),
            "k" | "M" => self.glued(at),
            _ => true,
        }
    }
}

//! Exact non-negative numbers, as ratios of integers.

use std::cmp::Ordering;
use std::fmt;

/// An exact non-negative number: a ratio of two integers in lowest terms, so that 0.5 and 1/2 are equal. Signs are not
/// kept, since a fall by 5 in Thai may be −5 in English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    numerator: u128,
    denominator: u128,
}

impl Amount {
    pub(super) const ZERO: Self = Self::from_integer(0);
    pub(super) const HALF: Self = Self {
        numerator: 1,
        denominator: 2,
    };
    pub(super) const ONE_AND_HALF: Self = Self {
        numerator: 3,
        denominator: 2,
    };

    /// Makes an amount from an integer.
    pub const fn from_integer(number: u64) -> Self {
        Self {
            numerator: number as u128,
            denominator: 1,
        }
    }

    /// Makes the amount `numerator / denominator`. Returns `None` if the denominator is 0.
    pub fn from_ratio(numerator: u128, denominator: u128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let (mut divisor, mut rest) = (numerator, denominator);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Some(Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        })
    }

    /// Returns the numerator and the denominator of the amount in lowest terms.
    pub fn numerator_and_denominator(self) -> (u128, u128) {
        (self.numerator, self.denominator)
    }

    /// Returns the amount as an integer, or `None` if it is not an integer or is too large for `u64`.
    pub fn to_integer(self) -> Option<u64> {
        u64::try_from(self.numerator).ok().filter(|_| self.denominator == 1)
    }

    /// Multiplies two amounts. Returns `None` on overflow.
    pub(super) fn checked_mul(self, other: Self) -> Option<Self> {
        // Reduce crosswise first, so that common factors cannot cause an overflow.
        let left = Self::from_ratio(self.numerator, other.denominator)?;
        let right = Self::from_ratio(other.numerator, self.denominator)?;
        Self::from_ratio(
            left.numerator.checked_mul(right.numerator)?,
            left.denominator.checked_mul(right.denominator)?,
        )
    }

    /// Adds two amounts. Returns `None` on overflow.
    pub(super) fn checked_add(self, other: Self) -> Option<Self> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Self::from_ratio(
            left.checked_add(right)?,
            self.denominator.checked_mul(other.denominator)?,
        )
    }

    /// Returns the power of ten of the amount's leading digit: 2 for 345; 0 for amounts below 1.
    pub(super) fn power_of_ten(self) -> u32 {
        (self.numerator / self.denominator).checked_ilog10().unwrap_or(0)
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        let whole = |amount: &Self| amount.numerator / amount.denominator;
        whole(self).cmp(&whole(other)).then_with(|| {
            let turned = |amount: &Self| (amount.denominator, amount.numerator % amount.denominator);
            match (turned(self), turned(other)) {
                ((_, 0), (_, 0)) => Ordering::Equal,
                ((_, 0), _) => Ordering::Less,
                (_, (_, 0)) => Ordering::Greater,
                ((a, b), (c, d)) => Self {
                    numerator: c,
                    denominator: d,
                }
                .cmp(&Self {
                    numerator: a,
                    denominator: b,
                }),
            }
        })
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Writes an amount as a decimal if it has finitely many decimals and `u128` holds them, else as `n/d`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut odd = self.denominator;
        for prime in [2, 5] {
            while odd.is_multiple_of(prime) {
                odd /= prime;
            }
        }
        let mut rest = self.numerator % self.denominator;
        if odd != 1 || rest.checked_mul(10).is_none() || self.denominator.checked_mul(10).is_none() {
            return write!(f, "{}/{}", self.numerator, self.denominator);
        }
        write!(f, "{}", self.numerator / self.denominator)?;
        if rest != 0 {
            f.write_str(".")?;
        }
        while rest != 0 {
            write!(f, "{}", rest * 10 / self.denominator)?;
            rest = rest * 10 % self.denominator;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn make_ratio(n: u128, d: u128) -> Amount {
        Amount::from_ratio(n, d).unwrap()
    }

    #[test]
    fn numbers_are_exact() {
        let tenth = make_ratio(1, 10);
        assert_eq!(tenth.checked_add(make_ratio(2, 10)), Amount::from_ratio(3, 10));
        assert_eq!(make_ratio(25, 100), make_ratio(1, 4));
        assert_eq!(
            make_ratio(15, 10).checked_mul(Amount::from_integer(1_000_000)),
            Some(Amount::from_integer(1_500_000))
        );
        assert_eq!(Amount::from_ratio(1, 0), None);
        assert_eq!(make_ratio(u128::MAX, 1).checked_mul(Amount::from_integer(2)), None);
        assert_eq!(make_ratio(u128::MAX, 1).checked_add(Amount::from_integer(1)), None);
        assert_eq!(Amount::ZERO.power_of_ten(), 0);
        assert_eq!(Amount::from_integer(99_999).power_of_ten(), 4);
    }

    #[test]
    fn numbers_are_written_as_decimals_where_they_end() {
        for (amount, text) in [
            (make_ratio(0, 5), "0"),
            (make_ratio(5, 2), "2.5"),
            (make_ratio(1, 3), "1/3"),
            (make_ratio(1, 1000), "0.001"),
            (make_ratio(300_000_000_000, 1), "300000000000"),
            (
                make_ratio(1, u128::MAX - 1),
                "1/340282366920938463463374607431768211454",
            ),
        ] {
            assert_eq!(amount.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_products(a in 0u64.., b in 1u64.., c in 0u64.., d in 1u64..) {
            let (a, b, c, d) = (a.into(), b.into(), c.into(), d.into());
            prop_assert_eq!(make_ratio(a, b).cmp(&make_ratio(c, d)), (a * d).cmp(&(c * b)));
        }
    }
}

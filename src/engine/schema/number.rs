//! Numbers as they compare: by exact value, over everything that JSON text is stored as.

use std::cmp::Ordering;

use serde_json::Number;

/// A number. Whole numbers that 64 bits hold are never floats here, however they were written, so
/// that equal numbers are equal as they stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Num {
    /// Below zero.
    Negative(i64),
    Natural(u64),
    /// With a fraction, or beyond 64 bits.
    Float(f64),
}

/// 2^64 and -2^63: the bounds of what 64 bits hold, both exact as floats.
const ABOVE_U64: f64 = 18_446_744_073_709_551_616.0;
const LEAST_I64: f64 = -9_223_372_036_854_775_808.0;

impl Num {
    pub(super) fn of(number: &Number) -> Num {
        if let Some(natural) = number.as_u64() {
            return Num::Natural(natural);
        }
        if let Some(negative) = number.as_i64() {
            return Num::Negative(negative);
        }
        let float = number.as_f64().unwrap_or(f64::NAN);
        if float.fract() != 0.0 || !(LEAST_I64..ABOVE_U64).contains(&float) {
            Num::Float(float)
        } else if float < 0.0 {
            Num::Negative(float as i64)
        } else {
            Num::Natural(float as u64)
        }
    }

    /// Whether there is no fraction.
    pub(super) fn is_whole(self) -> bool {
        match self {
            Num::Negative(_) | Num::Natural(_) => true,
            Num::Float(float) => float.fract() == 0.0,
        }
    }

    pub(super) fn compare(self, other: Num) -> Ordering {
        match (self, other) {
            (Num::Negative(a), Num::Negative(b)) => a.cmp(&b),
            (Num::Natural(a), Num::Natural(b)) => a.cmp(&b),
            (Num::Negative(_), Num::Natural(_)) => Ordering::Less,
            (Num::Natural(_), Num::Negative(_)) => Ordering::Greater,
            (Num::Float(a), Num::Float(b)) => a.total_cmp(&b),
            (Num::Float(a), whole) => whole.compare_float(a).reverse(),
            (whole, Num::Float(b)) => whole.compare_float(b),
        }
    }

    /// A whole number with a float that has a fraction or is beyond 64 bits, so never an equal one.
    fn compare_float(self, float: f64) -> Ordering {
        if float >= ABOVE_U64 {
            return Ordering::Less;
        }
        if float < LEAST_I64 {
            return Ordering::Greater;
        }
        // Floats with a fraction are below 2^53, where the cast is exact.
        let below = float.floor() as i64;
        let is_below = match self {
            Num::Negative(whole) => whole <= below,
            Num::Natural(whole) => below >= 0 && whole <= below.unsigned_abs(),
            Num::Float(_) => false,
        };
        if is_below {
            Ordering::Less
        } else {
            Ordering::Greater
        }
    }

    /// For telling apart: equal numbers have equal bits.
    pub(super) fn bits(self) -> u64 {
        match self {
            Num::Negative(whole) => whole.cast_unsigned(),
            Num::Natural(whole) => whole,
            Num::Float(float) => float.to_bits(),
        }
    }

    fn magnitude(self) -> Option<u64> {
        match self {
            Num::Negative(whole) => Some(whole.unsigned_abs()),
            Num::Natural(whole) => Some(whole),
            Num::Float(_) => None,
        }
    }
}

/// Whether `number` is a whole multiple of `divisor`, both taken as the decimals that they are
/// written as: 0.3 is a multiple of 0.1, although the nearest doubles are not.
pub(super) fn is_multiple(number: &Number, divisor: &Number) -> bool {
    let magnitudes = (
        Num::of(number).magnitude(),
        Num::of(divisor).magnitude().filter(|d| *d > 0),
    );
    if let (Some(number), Some(divisor)) = magnitudes {
        return number % divisor == 0;
    }
    match (Decimal::of(number), Decimal::of(divisor)) {
        (Some(number), Some(divisor)) => number.is_multiple(divisor),
        _ => false,
    }
}

/// `digits` × 10^`exponent`, without sign; the last digit is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decimal {
    digits: u64,
    exponent: i32,
}

impl Decimal {
    fn of(number: &Number) -> Option<Decimal> {
        let text = number.to_string();
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let mut exponent: i32 = exponent.parse().ok()?;
        let mut digits: u64 = 0;
        // Zeros count only once another digit follows them.
        let mut zeros = 0;
        let mut is_fraction = false;
        for c in mantissa.chars() {
            let Some(digit) = c.to_digit(10) else {
                is_fraction |= c == '.';
                continue;
            };
            zeros += 1;
            exponent = exponent.checked_sub(i32::from(is_fraction))?;
            if digit != 0 {
                digits = digits.checked_mul(10_u64.checked_pow(zeros)?)?;
                digits = digits.checked_add(u64::from(digit))?;
                zeros = 0;
            } else if digits == 0 {
                zeros = 0;
            }
        }
        let exponent = exponent.checked_add(i32::try_from(zeros).ok()?)?;
        Some(Decimal { digits, exponent })
    }

    fn is_multiple(self, divisor: Decimal) -> bool {
        if self.digits == 0 || divisor.digits == 0 {
            return self.digits == 0;
        }
        // With a smaller exponent, `digits` would have to end with zeros, and they do not.
        let Some(shift) = self.exponent.checked_sub(divisor.exponent) else {
            return false;
        };
        let add = |a: u64, b: u64| match divisor.digits - a {
            to_divisor if b >= to_divisor => b - to_divisor,
            _ => a + b,
        };
        let double = |a: u64| add(a, a);
        let mut rest = self.digits % divisor.digits;
        for _ in 0..shift.max(0) {
            rest = add(double(double(double(rest))), double(rest));
        }
        shift >= 0 && rest == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    fn any_number() -> impl Strategy<Value = Number> {
        prop_oneof![
            any::<i64>().prop_map(Number::from),
            any::<u64>().prop_map(Number::from),
            (-4i64..4).prop_map(Number::from),
            any::<f64>().prop_filter_map("finite", Number::from_f64),
            (-16i32..16).prop_filter_map("finite", |n| Number::from_f64(f64::from(n) / 4.0)),
            (0u32..70, -2i32..3).prop_filter_map("finite", |(power, off)| {
                Number::from_f64(2f64.powi(power.cast_signed()) + f64::from(off))
            }),
            (0u32..64, -2i64..3)
                .prop_map(|(power, off)| Number::from((1u64 << power).wrapping_add_signed(off))),
        ]
    }

    /// The whole number below, whether there is more, and how much: in this order.
    fn exact(number: &Number) -> (i128, bool, f64) {
        if let Some(whole) = number.as_i64() {
            return (whole.into(), false, 0.0);
        }
        if let Some(whole) = number.as_u64() {
            return (whole.into(), false, 0.0);
        }
        // Saturates where nothing but floats is as large; then these decide.
        let float = number.as_f64().unwrap();
        let whole = float.floor() as i128;
        let is_more = float.fract() != 0.0 || whole == i128::MAX || whole == i128::MIN;
        (whole, is_more, if is_more { float } else { 0.0 })
    }

    proptest! {
        #[test]
        fn numbers_compare_by_exact_value(a in any_number(), b in any_number()) {
            let expected = exact(&a).partial_cmp(&exact(&b)).unwrap();
            prop_assert_eq!(Num::of(&a).compare(Num::of(&b)), expected);
            prop_assert_eq!(Num::of(&a) == Num::of(&b), expected == Ordering::Equal);
            if expected == Ordering::Equal {
                prop_assert_eq!(Num::of(&a).bits(), Num::of(&b).bits());
            }
        }

        #[test]
        fn multiples_of_decimals_are_those_of_their_digits(
            n in -2_000i64..2_000, d in 1i64..300, scale in 0u32..4,
        ) {
            // Both with the same number of decimal places, so whole numbers say what is right.
            let decimal = |n: i64| {
                let power = 10i64.pow(scale);
                let sign = if n < 0 { "-" } else { "" };
                let (whole, fraction) = (n.abs() / power, n.abs() % power);
                number(&format!("{sign}{whole}.{fraction:0width$}", width = scale.max(1) as usize))
            };
            prop_assert_eq!(is_multiple(&decimal(n), &decimal(d)), n % d == 0);
        }
    }

    #[test]
    fn multiples_at_the_edges() {
        for (a, b, expected) in [
            ("0.0075", "0.0001", true),
            ("0.00751", "0.0001", false),
            ("0.3", "0.1", true),
            ("4.5", "1.5", true),
            ("35", "1.5", false),
            ("0", "7", true),
            ("0.0", "0.7", true),
            ("1e308", "0.123456789", false),
            ("1e308", "5e-324", true),
            ("12391239123", "1e-8", true),
            ("1e16", "3", false),
            ("3e20", "3", true),
            ("18446744073709551615", "5", true),
            ("18446744073709551615", "2", false),
            ("-9223372036854775808", "2", true),
            ("18446744073709551614", "0.5", true),
            ("7", "1e1", false),
            ("100", "1e1", true),
            ("7", "1e30", false),
        ] {
            assert_eq!(is_multiple(&number(a), &number(b)), expected, "{a} of {b}");
        }
    }

    #[test]
    fn whole_is_without_fraction() {
        for (text, whole) in [
            ("1", true),
            ("1.0", true),
            ("1e300", true),
            ("-0.0", true),
            ("1.5", false),
        ] {
            let Value::Number(number) = serde_json::from_str(text).unwrap() else {
                panic!("no number")
            };
            assert_eq!(Num::of(&number).is_whole(), whole, "{text}");
        }
    }
}

//! Arithmetic that is exact or refused: whole numbers stay whole, whatever 64 bits hold.

use serde_json::Number;

use super::json;

/// None where the sum is out of range. With a fraction on either side it is a double's sum.
pub(super) fn add(a: &Number, b: &Number) -> Option<Number> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => from_whole(a.checked_add(b)?),
        _ => Number::from_f64(a.as_f64()? + b.as_f64()?),
    }
}

/// The same for the product.
pub(super) fn multiply(a: &Number, b: &Number) -> Option<Number> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => from_whole(a.checked_mul(b)?),
        _ => Number::from_f64(a.as_f64()? * b.as_f64()?),
    }
}

/// Zero of the kind that a number is of: what `$mul` makes of a field that is missing.
pub(super) fn zero(like: &Number) -> Number {
    match whole(like) {
        Some(_) => Number::from(0),
        None => Number::from_f64(0.0).unwrap_or_else(|| Number::from(0)),
    }
}

pub(super) fn whole(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

/// What does not come out of range, for people.
pub(super) fn range() -> String {
    format!(
        "Whole numbers go from {} to {}, others to {:e}.",
        i64::MIN,
        u64::MAX,
        f64::MAX
    )
}

/// The sum of any number of numbers: exact, and rounded once where a fraction is among them. So it does not
/// depend on the order in which they come, which is another one for every way to find the same rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sum {
    whole: i128,
    count: u64,
    /// Doubles whose exact sum is that of all numbers with a fraction, each with bits below those of the next.
    parts: Vec<f64>,
    has_fraction: bool,
}

impl Sum {
    pub fn add(&mut self, number: json::Number) {
        self.count += 1;
        match number {
            json::Number::Int(int) => self.whole = self.whole.saturating_add(int.into()),
            json::Number::Uint(uint) => self.whole = self.whole.saturating_add(uint.into()),
            json::Number::Float(float) => {
                self.has_fraction = true;
                add_part(&mut self.parts, float);
            }
        }
    }

    /// None where it is out of range.
    pub fn total(&self) -> Option<Number> {
        if self.has_fraction {
            Number::from_f64(self.as_double())
        } else {
            from_whole(self.whole)
        }
    }

    /// A double; None where it is out of range, and within where there is nothing to divide.
    #[expect(clippy::cast_precision_loss, reason = "nothing has 2^53 numbers")]
    pub fn average(&self) -> Option<Option<Number>> {
        if self.count == 0 {
            return Some(None);
        }
        Number::from_f64(self.as_double() / self.count as f64).map(Some)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "what is lost of the whole is added by itself, and has few bits"
    )]
    fn as_double(&self) -> f64 {
        let mut parts = self.parts.clone();
        let near = self.whole as f64;
        add_part(&mut parts, near);
        add_part(&mut parts, self.whole.saturating_sub(near as i128) as f64);
        rounded(&parts)
    }
}

/// Shewchuk's algorithm: each part takes what it can of the number and hands on what it loses to rounding.
fn add_part(parts: &mut Vec<f64>, number: f64) {
    let mut number = number;
    let mut kept = 0;
    for at in 0..parts.len() {
        let part = parts.get(at).copied().unwrap_or_default();
        let (great, small) = if number.abs() < part.abs() {
            (part, number)
        } else {
            (number, part)
        };
        let sum = great + small;
        let lost = small - (sum - great);
        if lost != 0.0 {
            if let Some(place) = parts.get_mut(kept) {
                *place = lost;
            }
            kept += 1;
        }
        number = sum;
    }
    parts.truncate(kept);
    parts.push(number);
}

/// The double next to the sum of the parts.
fn rounded(parts: &[f64]) -> f64 {
    let mut rest = parts.iter().rev().copied();
    let mut sum = rest.next().unwrap_or_default();
    let mut lost = 0.0;
    for part in rest.by_ref() {
        let before = sum;
        sum = before + part;
        lost = part - (sum - before);
        if lost != 0.0 {
            break;
        }
    }
    // Half way between two doubles, what is below decides.
    if let Some(below) = rest.next().filter(|below| (*below < 0.0) == (lost < 0.0)) {
        let twice = lost * 2.0;
        let next = sum + twice;
        if below != 0.0 && lost != 0.0 && next - sum == twice {
            sum = next;
        }
    }
    sum
}

fn from_whole(whole: i128) -> Option<Number> {
    match i64::try_from(whole) {
        Ok(signed) => Some(Number::from(signed)),
        Err(_) => u64::try_from(whole).ok().map(Number::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::query::json::tests::number as json_number;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn whole_numbers_are_exact_to_the_last_one() {
        for (a, b, sum, product) in [
            (
                "18446744073709551614",
                "1",
                Some("18446744073709551615"),
                Some("18446744073709551614"),
            ),
            (
                "18446744073709551615",
                "1",
                None,
                Some("18446744073709551615"),
            ),
            (
                "9223372036854775807",
                "1",
                Some("9223372036854775808"),
                Some("9223372036854775807"),
            ),
            (
                "-9223372036854775808",
                "-1",
                None,
                Some("9223372036854775808"),
            ),
            (
                "18446744073709551615",
                "-9223372036854775808",
                Some("9223372036854775807"),
                None,
            ),
            ("18446744073709551615", "18446744073709551615", None, None),
            (
                "9007199254740993",
                "2",
                Some("9007199254740995"),
                Some("18014398509481986"),
            ),
        ] {
            let shown = |number: Option<Number>| number.map(|number| number.to_string());
            let (a, b) = (number(a), number(b));
            assert_eq!(shown(add(&a, &b)).as_deref(), sum, "{a} + {b}");
            assert_eq!(shown(multiply(&a, &b)).as_deref(), product, "{a} * {b}");
        }
    }

    #[test]
    fn fractions_make_doubles_and_never_infinity() {
        let shown = |number: Option<Number>| number.map(|number| number.to_string());
        assert_eq!(shown(add(&number("1"), &number("0.5"))).unwrap(), "1.5");
        assert_eq!(shown(add(&number("1"), &number("1.0"))).unwrap(), "2.0");
        assert_eq!(
            shown(multiply(&number("2"), &number("0.5"))).unwrap(),
            "1.0"
        );
        assert_eq!(add(&number("1e308"), &number("1e308")), None);
        assert_eq!(multiply(&number("-1e308"), &number("10")), None);
        assert_eq!(zero(&number("2.5")).to_string(), "0.0");
        assert_eq!(zero(&number("-7")).to_string(), "0");
    }

    fn sum_of(numbers: &[Number]) -> Sum {
        let mut sum = Sum::default();
        for number in numbers {
            sum.add(number.into());
        }
        sum
    }

    #[test]
    fn sums_are_exact_and_rounded_once() {
        let numbers = |text: &str| text.split(' ').map(number).collect::<Vec<_>>();
        for (text, total, average) in [
            ("1 2 3", "6", "2.0"),
            ("0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1", "1.0", "0.1"),
            ("1e100 1 -1e100", "1.0", "0.3333333333333333"),
            (
                "18446744073709551615 1 -2",
                "18446744073709551614",
                "6.148914691236517e+18",
            ),
            (
                "9007199254740993 0.0",
                "9007199254740992.0",
                "4503599627370496.0",
            ),
            (
                "9007199254740993 1e-9",
                "9007199254740994.0",
                "4503599627370497.0",
            ),
        ] {
            let sum = sum_of(&numbers(text));
            assert_eq!(sum.total().unwrap().to_string(), total, "{text}");
            assert_eq!(
                sum.average().unwrap().unwrap().to_string(),
                average,
                "{text}"
            );
        }
        assert_eq!(sum_of(&numbers("18446744073709551615 1")).total(), None);
        assert_eq!(sum_of(&numbers("1e308 1e308")).total(), None);
        assert_eq!(sum_of(&[]).total(), Some(0.into()));
        assert_eq!(sum_of(&[]).average(), Some(None));
    }

    proptest! {
        #[test]
        fn a_sum_of_two_is_what_adding_makes(a in json_number(), b in json_number()) {
            // Beyond, adding rounds a whole number before it adds a fraction to it.
            let is_near = |n: &Number| n.is_f64() || n.as_i64().is_some_and(|n| n.unsigned_abs() < 1 << 53);
            if a.is_f64() == b.is_f64() || (is_near(&a) && is_near(&b)) {
                let sum = sum_of(&[a.clone(), b.clone()]).total();
                prop_assert_eq!(sum.and_then(|n| n.as_f64()), add(&a, &b).and_then(|n| n.as_f64()));
            }
        }

        #[test]
        fn the_order_of_numbers_does_not_matter(
            numbers in prop::collection::vec(json_number(), 0..8).prop_map(|numbers| {
                // Out of range, the way there matters.
                numbers.into_iter().filter(|n| n.as_f64().unwrap().abs() < 1e300).collect::<Vec<_>>()
            }),
            swaps in prop::collection::vec((0usize..8, 0usize..8), 0..8),
        ) {
            let mut other = numbers.clone();
            for (a, b) in swaps {
                if a < other.len() && b < other.len() { other.swap(a, b) }
            }
            let shown = |sum: Sum| format!("{:?} {:?}", sum.total(), sum.average());
            prop_assert_eq!(shown(sum_of(&numbers)), shown(sum_of(&other)));
        }

        #[test]
        fn what_was_added_can_be_taken_away(a in any::<i64>(), b in any::<i64>()) {
            let minus = i128::from(b).checked_neg().and_then(from_whole);
            if let (Some(sum), Some(minus)) = (add(&a.into(), &b.into()), minus) {
                prop_assert_eq!(add(&sum, &minus), Some(Number::from(a)));
            }
        }
    }
}

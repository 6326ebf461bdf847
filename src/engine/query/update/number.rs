//! Arithmetic that is exact or refused: whole numbers stay whole, whatever 64 bits hold.

use serde_json::Number;

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

fn from_whole(whole: i128) -> Option<Number> {
    match i64::try_from(whole) {
        Ok(signed) => Some(Number::from(signed)),
        Err(_) => u64::try_from(whole).ok().map(Number::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    proptest! {
        #[test]
        fn what_was_added_can_be_taken_away(a in any::<i64>(), b in any::<i64>()) {
            let minus = i128::from(b).checked_neg().and_then(from_whole);
            if let (Some(sum), Some(minus)) = (add(&a.into(), &b.into()), minus) {
                prop_assert_eq!(add(&sum, &minus), Some(Number::from(a)));
            }
        }
    }
}

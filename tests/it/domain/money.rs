//! Dollars read and printed.

use proptest::prelude::*;
use rushes::domain::money::{MoneyError, Usd};

/// The most that is read: a billion dollars.
const MAX_MICROS: i64 = 1_000_000_000_000_000;

#[test]
fn amounts_print_as_the_price_page_writes_them() {
    for (text, shown) in [
        ("0", "0"),
        ("25", "25.00"),
        ("25.5", "25.50"),
        ("1.266", "1.2660"),
        ("0.3165", "0.3165"),
        ("0.000001", "0.000001"),
        ("0.063333", "0.063333"),
    ] {
        assert_eq!(text.parse::<Usd>().map(|usd| usd.to_string()), Ok(shown.to_owned()));
    }
}

#[test]
fn what_is_no_amount_is_refused_with_its_reason() {
    for (text, error) in [
        ("", MoneyError::NotANumber),
        ("$5", MoneyError::NotANumber),
        ("1e3", MoneyError::NotANumber),
        ("NaN", MoneyError::NotANumber),
        ("-1", MoneyError::Negative),
        ("0.0000001", MoneyError::TooFine),
        ("1000000001", MoneyError::TooMuch),
        ("99999999999999999999999", MoneyError::TooMuch),
    ] {
        assert_eq!(text.parse::<Usd>(), Err(error), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_parses_back_to_the_same_amount(micros in 0..=MAX_MICROS) {
        let usd = Usd::from_micros(micros);
        prop_assert_eq!(usd.to_string().parse::<Usd>(), Ok(usd));
    }
}

//! Charges as a gateway writes them.

use std::cmp::Ordering;

use rushes::domain::charge::Charge;
use rushes::domain::money::Usd;

#[test]
fn a_charge_keeps_every_digit_and_compares_exactly() {
    let charge = |amount| Charge::new(amount, "USD").unwrap();
    let price = Usd::from_micros(316_500);
    assert_eq!(charge("0.3165").against(price), Some(Ordering::Equal));
    assert_eq!(charge("0.31650001").against(price), Some(Ordering::Greater));
    assert_eq!(charge("3.1e-1").against(price), Some(Ordering::Less));
    assert_eq!(charge("0.31650001").to_string(), "0.31650001 USD");
    assert_eq!(Charge::new("12", "credits").unwrap().against(price), None);
}

#[test]
fn what_is_no_amount_or_no_currency_is_no_charge() {
    for (amount, currency) in [
        ("", "USD"),
        ("-1", "USD"),
        ("NaN", "USD"),
        ("1", ""),
        ("1", "U\u{1b}[31m"),
        ("1", "a currency that is none, in many words"),
        ("1.000000000000000000000000000000000000001", "USD"),
    ] {
        assert_eq!(Charge::new(amount, currency), None, "{amount} {currency}");
    }
}

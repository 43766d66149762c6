//! Odd charges.

use rushes::domain::charge::Charge;
use rushes::ledger::Row;
use rushes::report::model::odd_charge;

use super::sample::Sample;

#[test]
fn a_charge_is_odd_when_it_is_not_the_price_in_dollars() {
    let mut sample = Sample::mixed();
    let odd = |row: &mut Row, amount, currency| {
        row.charge = Charge::new(amount, currency);
        odd_charge(row).is_some()
    };
    let delivered = &mut sample.rows[0];
    assert!(!odd(delivered, "0.316500", "usd"));
    assert!(odd(delivered, "0.3", "USD") && odd(delivered, "0.4", "USD"));
    assert!(!odd(delivered, "12", "credits"), "what a credit is worth is not known");
    delivered.price = None;
    assert!(!odd(delivered, "0.4", "USD"));
    let failed = &mut sample.rows[4];
    assert!(!odd(failed, "0", "USD") && odd(failed, "0.3165", "USD"));
}

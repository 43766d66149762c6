//! What the cap allows.

use rushes::domain::money::Usd;
use rushes::policy::budget::{Balance, Budget};

#[test]
fn a_purchase_is_allowed_up_to_the_cap_and_not_a_millionth_beyond() {
    let budget = Budget { cap: Some(Usd::from_micros(100)), strict: false };
    let usd = Usd::from_micros;
    let balance = Balance { spent: usd(40), reserved: usd(30), unconfirmed: usd(20) };
    assert!(budget.allows(&balance, Some(usd(30))));
    assert!(!budget.allows(&balance, Some(usd(31))));
    assert!(!budget.allows(&balance, None));
    let strict = Budget { strict: true, ..budget };
    assert!(strict.allows(&balance, Some(usd(10))));
    assert!(!strict.allows(&balance, Some(usd(11))));
    assert!(Budget::default().allows(&balance, None));
}

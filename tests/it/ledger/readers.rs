//! What those see who only look: a report beside a run, and a person with `sqlite3`.

use super::*;

#[tokio::test]
async fn a_reader_beside_a_run_sees_each_step_when_it_is_durable() {
    let (desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    let reader = LedgerAddress::file(desk.path()).snapshot().unwrap();
    let state = || {
        let mut states = Vec::new();
        reader.rows(&mut |row| states.push(row.entry.status.state.name())).unwrap();
        states
    };
    assert_eq!(state(), ["queued"]);
    let job = desk.claim(&entries[0]).await;
    assert_eq!(state(), ["submitting"]);
    assert_eq!(reader.summary().unwrap().balance.reserved, usd(10));
    desk.tell(entries[0].revision, &job, bought("t-1")).await;
    assert_eq!(state(), ["rendering"]);
}

#[tokio::test]
async fn what_a_dead_run_had_on_the_wire_is_shown_in_doubt() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    desk.claim(&entries[0]).await;
    assert_eq!(desk.rows()[0].entry.status.state.name(), "submitting");
    desk.close();
    let row = desk.rows().remove(0);
    assert_eq!(row.entry.status.state.name(), "in_doubt");
    assert!(row.entry.status.state.why().unwrap().contains("on the wire"));
    let stored = LedgerAddress::file(desk.path()).snapshot().unwrap().entries().unwrap();
    assert_eq!(stored[0].status.state.name(), "submitting", "the plan sees what is stored");
}

#[tokio::test]
async fn a_reader_writes_nothing() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    desk.claim(&entries[0]).await;
    desk.close();
    let before = std::fs::read(desk.path()).unwrap();
    desk.rows();
    assert_eq!(std::fs::read(desk.path()).unwrap(), before);
}

#[tokio::test]
async fn a_summary_has_the_cap_the_money_and_whose_it_is() {
    let (desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    let budget = Budget { cap: Some(usd(25_000_000)), strict: true };
    desk.ledger().set_budget(budget).await.unwrap();
    desk.claim(&entries[0]).await;
    let summary = LedgerAddress::file(desk.path()).snapshot().unwrap().summary().unwrap();
    assert_eq!((summary.campaign.as_str(), summary.kind), ("summer", Kind::Gateway));
    assert_eq!(summary.budget, budget);
    assert_eq!(summary.balance, Balance { reserved: usd(10), ..Balance::default() });
}

#[tokio::test]
async fn the_views_have_exact_dollars_and_rfc_3339_times() {
    let prices = [0, 1, 100, 316_500, 10_000, 25_000_000, 1_266_000, 63_333, 1_000_000_000_000_000];
    let shots: Vec<Shot> = prices
        .iter()
        .enumerate()
        .map(|(i, price)| shot(&format!("s{i}"), 1, Some(*price)))
        .chain([shot("unknown", 1, None)])
        .collect();
    let (desk, entries) = Desk::with(&shots).await;
    for (entry, price) in entries.iter().zip(prices.iter().map(|price| Some(*price)).chain([None]))
    {
        let sql = format!("SELECT price FROM results WHERE shot = '{}'", entry.shot);
        assert_eq!(desk.text(&sql), [price.map(|price| usd(price).to_string())]);
    }
    let budget = Budget { cap: Some(usd(1_500_000)), strict: false };
    desk.ledger().set_budget(budget).await.unwrap();
    let job = desk.buy(&entries[6], "t-6").await;
    let balance = desk.ledger().balance();
    assert_eq!(balance.reserved, usd(1_266_000));
    let job = desk.tell(entries[6].revision, &job, completed()).await;
    desk.tell(entries[6].revision, &job, ShotEvent::Delivered).await;
    for (account, dollars) in
        [("cap", "1.50"), ("spent", "1.2660"), ("reserved", "0"), ("unconfirmed", "0")]
    {
        let sql = format!("SELECT dollars FROM spend WHERE account = '{account}'");
        assert_eq!(desk.text(&sql), [Some(dollars.to_owned())], "{account}");
    }
    let times = "SELECT submitted_at, completed_at, delivered_at, task_id, state FROM results \
         WHERE shot = 's6'";
    let expected = [at(1000), at(2000), at(2000)].map(|at| at.to_string());
    let expected = expected.into_iter().chain(["t-6".to_owned(), "delivered".to_owned()]);
    assert_eq!(desk.text(times), expected.map(Some).collect::<Vec<_>>());
}

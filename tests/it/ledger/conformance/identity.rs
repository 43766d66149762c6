//! Which stored revision is what a shot asks for, and where a campaign belongs.

use super::*;

pub async fn field_30_of_texts_that_mean_the_same_one_that_may_be_paid_goes_on<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let first = record(&*ledger, &[shot("s", 1, Some(10))]).await.remove(0);
    let status = ledger.claimed(&first, spec(first.price), at(1)).await;
    let mut status = ledger.apply(first.revision, &status, bought("odd"), &RULES, at(2)).await;
    for second in [10_000, 30_000, 60_000] {
        let kind = Unresolved::CompletedWithReason;
        let said = PollOutcome::Unresolved { kind, why: "moderation".into() };
        let said = ShotEvent::Polled(said);
        status = ledger.apply(first.revision, &status, said, &RULES, at(second)).await;
    }
    // Its price is reserved, because the gateway may have charged it.
    let second = record(&*ledger, &[shot("s", 2, Some(10))]).await.remove(0);
    assert_ne!(second.revision, first.revision);
    // A later rule finds that both texts are one.
    let mut same = shot("s", 3, Some(10));
    same.former = [1, 2].map(|text| shot("s", text, None).fingerprint).into();
    for _ in 0..2 {
        let entry = record(&*ledger, &[same.clone()]).await.remove(0);
        assert_eq!((entry.revision, entry.status.state.name()), (first.revision, "failed"));
    }
    drop(ledger);
    maker.reopen();
    assert_eq!(maker.ledger().balance().reserved, usd(10));
}

/// The shot `a` with this request, by a rule that gives it this fingerprint.
fn asking(json: &str, fingerprint: u8) -> Shot {
    let request = Request { json: json.into(), files: [].into() };
    let fingerprint = Fingerprint::from_bytes([fingerprint; 16]);
    Shot { request, fingerprint, ..shot("a", 1, Some(10)) }
}

pub async fn field_30_what_was_sent_before_is_gone_on_with_and_of_several_the_furthest<M: Maker>() {
    const ONE: &str = r#"{"model":"kling-v3","prompt":"a","duration":"5"}"#;
    // Another order is the same on the wire; duration 5 is the default.
    const SAME: &str = r#"{"prompt":"a","model":"kling-v3","duration":"5"}"#;
    const MEANT: &str = r#"{"model":"kling-v3","prompt":"a"}"#;
    const OTHER: &str = r#"{"model":"kling-v3","prompt":"other","duration":"5"}"#;
    let mut maker = M::make();
    let sends = |shot: &Shot| AttemptSpec {
        wire: rushes::provider::canonical_wire(&shot.request),
        ..spec(shot.price)
    };
    // Bought by one rule, and in doubt by another with another text.
    let first = asking(ONE, 1);
    let bought_one = record(&*maker.ledger(), std::slice::from_ref(&first)).await.remove(0);
    let job = maker.ledger().claimed(&bought_one, sends(&first), at(1)).await;
    let job = maker.ledger().apply(bought_one.revision, &job, bought("t"), &RULES, at(2)).await;
    for (text, rule) in [(ONE, 1), (SAME, 2), (SAME, 3), (ONE, 1)] {
        let entry = record(&*maker.ledger(), &[asking(text, rule)]).await.remove(0);
        assert_eq!((entry.revision, entry.number, &entry.status), (bought_one.revision, 1, &job));
        assert!(entry.current);
        maker.reopen();
    }
    let meant = rushes::catalog::Catalog::builtin();
    let params = serde_json::from_str(MEANT).unwrap();
    let meant = Shot { fingerprint: meant.fingerprint(&params, &[]), ..asking(MEANT, 0) };
    let entry = record(&*maker.ledger(), std::slice::from_ref(&meant)).await.remove(0);
    assert_eq!(entry.revision, bought_one.revision, "its stored request means the same today");
    // Another text is another revision.
    let other = record(&*maker.ledger(), &[asking(OTHER, 4)]).await.remove(0);
    assert_eq!((other.number, other.status.state.name()), (2, "queued"));
    // A revision of its very fingerprint, that was never bought, does not hide the one that was.
    let unbought = record(&*maker.ledger(), &[asking(OTHER, 5)]).await.remove(0);
    assert_eq!(unbought.number, 2);
    let entry = record(&*maker.ledger(), &[asking(ONE, 5)]).await.remove(0);
    assert_eq!((entry.number, &entry.status), (1, &job), "the furthest of both");
    maker.reopen();
    let all = maker.ledger().assign(Assign::All).await.unwrap();
    let current: Vec<_> = all.iter().filter(|one| one.current).map(|one| one.number).collect();
    assert_eq!(current, [1]);
}

pub async fn where_a_campaign_belongs_is_told_and_kept<M: Maker>() {
    let mut maker = M::make();
    let home = |maker: &M| maker.ledger().snapshot().unwrap().summary().unwrap().home;
    let before = home(&maker);
    assert_eq!((before.has_attempts, before.gateway, before.separate), (false, None, false));
    let entry = queued(&*maker.ledger(), &[10]).await.remove(0);
    commit(&*maker.ledger(), vec![claim(&entry)]).await;
    maker.reopen();
    let sent = home(&maker);
    assert!(sent.has_attempts);
    assert_eq!(sent.gateway.as_deref(), Some("https://gateway.test"));
    assert_eq!(sent.id, before.id, "it is the same ledger");
    maker.ledger().note(Note::MovedTo("https://moved.test".into())).await.unwrap();
    maker.ledger().note(Note::Separate).await.unwrap();
    maker.reopen();
    let noted = home(&maker);
    assert_eq!((noted.gateway.as_deref(), noted.separate), (Some("https://moved.test"), true));
}

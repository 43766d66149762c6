//! Several workers at once: moments, races, and what it costs to find nothing to do.

use rushes::ledger::{SlotRequest, Slots, Traffic};
use rushes::policy::limits::{Rate, Window};

use super::*;

/// Asks for moments for so long, and is as late as it may be.
async fn greedy(ledger: &PostgresLedger, seed: u64, span: Duration) -> Vec<Instant> {
    let (end, mut dice) = (Instant::now() + span, fastrand::Rng::with_seed(seed));
    let mut left = Vec::new();
    while Instant::now() < end {
        let wanted = dice.u32(1..9);
        let request =
            SlotRequest { traffic: Traffic::Posts, wanted, setback: None, recovered: false };
        let Slots { first, every, count, late, .. } = fleet(ledger).slots(request).await.unwrap();
        let moments = (0..count).map(|nth| first + every * nth);
        left.extend(moments.map(|moment| (moment + late.mul_f64(dice.f64())).into_std()));
        tokio::time::sleep(every * (count / 2).max(1)).await;
    }
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_holds_more_than_the_rate_over_four_workers() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let rate = Rate { count: 20, window: Window::Second };
    let limits = Limits { rate, ..Limits::default() };
    let join =
        |_| join_within(&server.address("rushes"), folder.path(), 1, limits.clone()).unwrap();
    let workers: Vec<_> = (0..4).map(join).collect();
    let span = Duration::from_secs(8);
    let run = workers.iter().zip(7..).map(|(worker, seed)| greedy(worker, seed, span));
    let mut left: Vec<Instant> = futures::future::join_all(run).await.concat();
    left.sort_unstable();
    for (early, late) in left.iter().zip(left.iter().skip(20)) {
        assert!(*late - *early >= Duration::from_secs(1), "{:?}", *late - *early);
    }
    assert!(left.len() > 100, "{}", left.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_workers_that_race_for_one_shot_one_has_it() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let join = |_| join(&server.address("rushes"), folder.path(), 1).unwrap();
    let workers: Vec<_> = (0..4).map(join).collect();
    let shots: Vec<_> = (0..40).map(|nth| shot(&format!("s{nth:02}"), 1, Some(1))).collect();
    for worker in &workers {
        fleet(worker).begin(Some(shots.clone().into()), None, at(0)).await.unwrap();
    }
    let race = workers.iter().map(|worker| async move {
        let mut mine = Vec::new();
        while let Some((entry, _)) = fleet(worker).assign(want(1)).await.unwrap().entries.pop() {
            assert!(matches!(verdict(worker, claim(&entry)).await, Verdict::Claimed(_)));
            mine.push(entry.shot.to_string());
        }
        mine
    });
    let mut all = futures::future::join_all(race).await.concat();
    all.sort_unstable();
    let expected: Vec<_> = shots.iter().map(|shot| shot.id.to_string()).collect();
    assert_eq!(all, expected);
    assert_eq!(attempts(&server), "40|40");
    assert_eq!(server.psql("rushes", "SELECT in_flight FROM accounts"), "40");
}

/// Of an account in which no worker lives the places are counted again.
#[tokio::test]
async fn places_that_were_miscounted_are_counted_by_the_next_run() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let first = join(&address, folder.path(), 1).unwrap();
    let entries = begun(&first).await;
    first.commit(Arc::new(entries[..2].iter().map(claim).collect())).await.unwrap();
    server.psql("rushes", "UPDATE accounts SET in_flight = 77");
    let second = join(&address, folder.path(), 1).unwrap();
    let places = |ledger: PostgresLedger| async move {
        let news = fleet(&ledger).assign(Want::default()).await.unwrap().news;
        (news.places, ledger)
    };
    let (free, second) = places(second).await;
    assert_eq!(free, 1000 - 77);
    drop((first, second));
    let (free, _third) = places(join(&address, folder.path(), 1).unwrap()).await;
    assert_eq!(free, 998);
}

/// A campaign that was left with tasks on the way has their places for a while, and not for ever.
#[tokio::test]
async fn what_another_campaign_left_in_flight_does_not_keep_an_account_full() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let two_places = Limits { in_flight: 2, ..Limits::default() };
    let summer = join_within(&address, folder.path(), 1, two_places.clone()).unwrap();
    let entries = begun(&summer).await;
    summer.commit(Arc::new(entries[..2].iter().map(claim).collect())).await.unwrap();
    drop(summer);
    let sent = |when: &str| {
        let sql =
            format!("UPDATE attempts SET sent_at = (extract(epoch FROM {when}) * 1000)::bigint");
        server.psql("rushes", &sql)
    };
    sent("now()");
    let winter = {
        let work = Some(work_within(2, two_places.clone()));
        let options = LedgerOptions { campaign: "winter", work, ..options("rushes run") };
        let at: ServerAddress = address.parse().unwrap();
        PostgresLedger::open(&at, &folder.path().join("winter"), &options).unwrap()
    };
    let others = begun(&winter).await;
    assert_eq!(verdict(&winter, claim(&others[0])).await, Verdict::Full);
    sent("now() - interval '1 hour'");
    let places = async |ledger: &PostgresLedger| {
        fleet(ledger).assign(Want::default()).await.unwrap().news.places
    };
    assert_eq!(places(&winter).await, 2);
    assert!(matches!(verdict(&winter, claim(&others[0])).await, Verdict::Claimed(_)));
    // Whoever goes on with them has their places.
    let summer = join_within(&address, folder.path(), 1, two_places).unwrap();
    assert_eq!(server.psql("rushes", "SELECT in_flight FROM accounts"), "3");
    assert_eq!(places(&summer).await, 0);
}

/// A worker to which the database answers too slowly for the account's margin leaves the moments to others.
#[tokio::test]
async fn a_worker_that_can_use_no_moments_takes_none() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let rate = Rate { count: 20, window: Window::Second };
    let limits = Limits { rate, ..Limits::default() };
    let ledger = join_within(&server.address("rushes"), folder.path(), 1, limits).unwrap();
    let ask = async || {
        let (traffic, wanted, setback) = (Traffic::Posts, 5, None);
        let request = SlotRequest { traffic, wanted, setback, recovered: false };
        fleet(&ledger).slots(request).await.unwrap().count
    };
    server.psql("rushes", "ALTER TABLE accounts DROP CONSTRAINT accounts_margin_ms_check");
    server.psql("rushes", "UPDATE accounts SET margin_ms = 4");
    ask().await;
    let last = || server.psql("rushes", "SELECT last_slot FROM pace");
    let before = last();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(ask().await, 0);
    }
    assert_eq!(last(), before);
    server.psql("rushes", "UPDATE accounts SET margin_ms = 1000");
    ask().await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert!(ask().await > 0);
}

/// However large the campaign is: so many pages are looked at where nothing is to be handed over.
#[tokio::test]
async fn nothing_to_hand_over_is_found_out_at_once() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = join(&server.address("rushes"), folder.path(), 1).unwrap();
    let grow = |count: i64| {
        let sql = format!(
            "INSERT INTO revisions (campaign, shot, number, fingerprint, current, position, priority, \
             clip_name, price_micro, state, model, tags, request, recorded_at) \
             SELECT 1, 's' || i, 1, decode(md5(i::text), 'hex'), true, i, 0, 's' || i, 1000000, \
             (ARRAY['queued', 'delivered'])[1 + i % 2], 'm', '[]', '{{}}', 0 \
             FROM generate_series((SELECT count(*) FROM revisions) + 1, {count}) AS i"
        );
        server.psql("rushes", &sql);
    };
    fleet(&ledger).begin(Some([].into()), None, at(0)).await.unwrap();
    drop(ledger);
    server.psql("rushes", "UPDATE workers SET ended = NULL, is_settled = false");
    let pages = |nth: i64| {
        let want = r#"{"queued": 9, "left": 999999, "purchases": 9, "doubts": true, "failed": true,
            "returned": [], "gone": [], "idle": false, "failures": 0, "late": 0}"#;
        let ask = |nth| format!("assign(1, '1 hour', {nth}, '{want}')");
        // What a session does once is not counted.
        let sql = format!(
            "SELECT {}; EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) SELECT {}",
            ask(nth),
            ask(nth + 1)
        );
        let told = server.psql("rushes", &sql);
        let hits = told.split("hit=").nth(1).unwrap();
        hits.split(|it: char| !it.is_ascii_digit()).next().unwrap().parse::<i64>().unwrap()
    };
    grow(100);
    let few = pages(1);
    grow(20_000);
    let many = pages(3);
    assert!(many < few + 60, "{few} pages, then {many}");
}

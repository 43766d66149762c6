//! Moments at which requests may leave.

use proptest::prelude::*;
use rushes::ledger::{REACH, SlotRequest, Slots, Traffic};
use rushes::policy::limits::{Rate, Window};
use tokio::time::Instant;

use super::*;

over_all_fleets![
    a_minutes_rate_has_a_wider_margin_and_loses_less_by_it,
    a_setback_is_everybodys_and_each_traffics_own;
    moments_are_one_workers_alone_and_within_reach,
];

/// What is not known of a clock in another place.
const LATE: Duration = Duration::from_millis(10);

fn at_rate(count: u32, window: Window) -> Work {
    let rate = Rate { count, window };
    work_within(1, Limits { rate, poll_rate: rate, ..Limits::default() })
}

fn asking(wanted: u32) -> SlotRequest {
    SlotRequest { traffic: Traffic::Posts, wanted, setback: None, recovered: false }
}

async fn moments_are_one_workers_alone_and_within_reach<S: Shared>() {
    let shared = S::make().await;
    let one = begun(&shared, at_rate(10, Window::Second), &shots(&[1])).await;
    let other = begun(&shared, at_rate(5, Window::Second), &shots(&[1])).await;
    let began = Instant::now();
    let mine = fleet(&*one).slots(asking(3)).await.unwrap();
    let theirs = fleet(&*other).slots(asking(100)).await.unwrap();
    assert!(mine.first >= began && mine.count == 3, "{mine:?}");
    assert!(mine.every >= Duration::from_millis(200), "the strictest rate of all: {mine:?}");
    assert!(theirs.first >= mine.first + mine.every * 3 - LATE, "{mine:?} {theirs:?}");
    let last = theirs.first + theirs.every * (theirs.count - 1);
    assert!((1..=8).contains(&theirs.count), "{theirs:?}");
    assert!(last <= Instant::now() + REACH + LATE, "{theirs:?}");
    // There is nothing left within reach.
    let none = fleet(&*one).slots(asking(100)).await.unwrap();
    let again = fleet(&*one).slots(asking(100)).await.unwrap();
    assert!(none.count <= 1 && again.count == 0, "{none:?} {again:?}");
    assert!(again.first > Instant::now() && again.first <= last + again.every, "{again:?}");
    assert_eq!(mine.late, Duration::from_millis(10), "a quarter of the margin");
    // Polls have a line of their own.
    let polls = SlotRequest { traffic: Traffic::Polls, ..asking(2) };
    assert_eq!(fleet(&*one).slots(polls).await.unwrap().count, 2);
}

/// A busy machine, or one far from its database, may use its moments all the same.
async fn a_minutes_rate_has_a_wider_margin_and_loses_less_by_it<S: Shared>() {
    let shared = S::make().await;
    let one = begun(&shared, at_rate(60, Window::Minute), &shots(&[1])).await;
    let mine = fleet(&*one).slots(asking(1)).await.unwrap();
    assert_eq!((mine.late, mine.every), (ms(75) / 2, ms(60_150) / 60));
    // Where a second has its rate too, that one's margin is kept.
    let other = begun(&shared, at_rate(50, Window::Second), &shots(&[1])).await;
    let theirs = fleet(&*other).slots(asking(1)).await.unwrap();
    assert_eq!((theirs.late, theirs.every), (ms(10), mine.every));
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn a_setback_is_everybodys_and_each_traffics_own<S: Shared>() {
    let shared = S::make().await;
    let one = begun(&shared, at_rate(10, Window::Second), &shots(&[1])).await;
    let other = begun(&shared, at_rate(10, Window::Second), &shots(&[1])).await;
    let quiet = Duration::from_secs(1);
    let began = Instant::now();
    let met = SlotRequest { setback: Some((quiet, 1)), ..asking(1) };
    let told = fleet(&*one).slots(met).await.unwrap();
    assert_eq!(told.level, 1);
    assert!(told.quiet_until + LATE >= began + quiet && told.first + LATE >= told.quiet_until);
    let heard = fleet(&*other).slots(asking(1)).await.unwrap();
    assert_eq!(heard.level, 1);
    assert!(heard.first + LATE >= began + quiet, "{heard:?}");
    assert!(heard.every >= told.every && heard.every >= Duration::from_millis(200));
    let polls = SlotRequest { traffic: Traffic::Polls, ..asking(1) };
    assert_eq!(fleet(&*other).slots(polls).await.unwrap().level, 0);
    let well = SlotRequest { recovered: true, ..asking(0) };
    assert_eq!(fleet(&*other).slots(well).await.unwrap().level, 0);
    assert_eq!(fleet(&*one).slots(well).await.unwrap().level, 0, "no faster than the rate");
}

/// A worker that asks again when half of what it has is used, and is late as it likes.
async fn greedy(worker: &impl Ledger, dice: u64, setbacks: bool, span: Duration) -> Vec<Instant> {
    let (end, mut dice) = (Instant::now() + span, fastrand::Rng::with_seed(dice));
    let (mut left, mut has_met) = (Vec::new(), false);
    while Instant::now() < end {
        let setback = (setbacks && dice.u8(0..6) == 0)
            .then(|| (Duration::from_millis(dice.u64(0..3000)), dice.u32(0..2)));
        has_met |= setback.is_some();
        let recovered = has_met && dice.u8(0..3) == 0;
        let request = SlotRequest { setback, recovered, ..asking(dice.u32(1..20)) };
        let began = Instant::now();
        let Slots { first, every, count, late, .. } = fleet(worker).slots(request).await.unwrap();
        if let Some((quiet, _)) = setback {
            assert!(count == 0 || first >= began + quiet, "it is not quiet");
        }
        let moments = (0..count).map(|nth| first + every * nth);
        left.extend(moments.map(|moment| moment + late.mul_f64(dice.f64())));
        match count {
            0 => tokio::time::sleep_until(first - REACH).await,
            count => tokio::time::sleep_until(first + every * (count / 2)).await,
        }
        // No worker asks in a loop without a pause.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    left
}

/// When requests left, over all workers, in order.
fn departures(rate: Rate, seed: u64, workers: u64, setbacks: bool, span: Duration) -> Vec<Instant> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let database = MemoryDatabase::new();
        let work = at_rate(rate.count, rate.window);
        let join = |_| database.join(Some(work.clone()), Duration::ZERO).unwrap();
        let all: Vec<_> = (0..workers).map(join).collect();
        let run = all.iter().zip(seed..).map(|(one, dice)| greedy(one, dice, setbacks, span));
        let mut left: Vec<_> = futures::future::join_all(run).await.concat();
        left.sort_unstable();
        left
    })
}

fn any_rate() -> impl Strategy<Value = Rate> {
    prop_oneof![
        (1..60_u32).prop_map(|count| Rate { count, window: Window::Second }),
        (1..900_u32).prop_map(|count| Rate { count, window: Window::Minute }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_window_ever_holds_more_than_the_rate(
        rate in any_rate(), seed in any::<u32>(), workers in 1..5_u64, setbacks in any::<bool>(),
    ) {
        let span = rate.window.length() * 3;
        let left = departures(rate, seed.into(), workers, setbacks, span);
        for (early, late) in left.iter().zip(left.iter().skip(rate.count as usize)) {
            prop_assert!(*late - *early >= rate.window.length(), "{:?}", *late - *early);
        }
    }

    #[test]
    fn greedy_workers_use_nearly_all_of_the_rate(
        count in 1..60_u32, seed in any::<u32>(), workers in 1..5_u64,
    ) {
        let (rate, span) = (Rate { count, window: Window::Second }, Duration::from_secs(60));
        let left = departures(rate, seed.into(), workers, false, span);
        let used = left.iter().filter(|one| **one < left[0] + span).count();
        prop_assert!(used * 100 >= 95 * 60 * count as usize, "{used} of 60 times {count}");
    }
}

//! Chance that repeats.

use rushes::simulator::rng::SimRng;

#[test]
fn throws_repeat_for_the_same_cause_and_differ_for_any_other() {
    let first = |seed, about, key: &[u8], nth| SimRng::new(seed, about, key, nth).bits();
    let here = first(1, "post", b"a", 0);
    assert_eq!(here, first(1, "post", b"a", 0));
    for other in [
        first(2, "post", b"a", 0),
        first(1, "poll", b"a", 0),
        first(1, "post", b"b", 0),
        first(1, "post", b"a", 1),
    ] {
        assert_ne!(here, other);
    }
}

#[test]
fn a_chance_of_a_tenth_comes_up_a_tenth_of_the_time() {
    let hits = (0..10_000).filter(|nth| SimRng::new(7, "x", b"k", *nth).comes_up(1_000)).count();
    assert!((900..1_100).contains(&hits), "{hits}");
    assert!(!(0..1_000).any(|nth| SimRng::new(7, "x", b"k", nth).comes_up(0)));
}

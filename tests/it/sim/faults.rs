//! What goes wrong, how often, by profile.

use rushes::simulator::Profile;
use rushes::simulator::faults::{self, Fault, clip, fate, poll, post};
use rushes::simulator::rng::SimRng;

use std::collections::HashSet;

#[test]
fn calm_and_broke_have_no_faults_at_all() {
    for profile in [Profile::Calm, Profile::Broke] {
        for nth in 0..2_000 {
            assert_eq!(post(profile, 0, b"x", nth), None);
            assert_eq!(poll(profile, 0, "x", nth), None);
            assert_eq!(clip(profile, 0, "x", nth), None);
            assert_eq!(fate(profile, &mut SimRng::new(0, "fate", b"x", nth)), None);
        }
    }
}

#[test]
fn a_storm_has_every_fault_but_the_lie_and_a_liar_has_that_too() {
    let of = |profile, key: u32| post(profile, 0, &key.to_le_bytes(), 0);
    let posts = |profile| (0..5_000).filter_map(|key| of(profile, key)).collect::<HashSet<_>>();
    assert_eq!(posts(Profile::Storm).len(), 11);
    assert!(!posts(Profile::Storm).contains(&Fault::Lie));
    assert_eq!(posts(Profile::Liar).len(), 12);
    let polls = (0..5_000).filter_map(|nth| poll(Profile::Storm, 0, "t", nth));
    assert_eq!(polls.collect::<HashSet<_>>().len(), 10);
    let clips = (0..5_000).filter_map(|nth| clip(Profile::Storm, 0, "c", nth));
    assert_eq!(clips.collect::<HashSet<_>>().len(), 8);
}

#[test]
fn a_storm_answers_about_fifteen_in_a_hundred_posts_with_a_5xx() {
    let of = |key: u32| post(Profile::Storm, 3, &key.to_le_bytes(), 0);
    let refused = (0..10_000)
        .filter(|key| matches!(of(*key), Some(Fault::ServerError | Fault::Proxy)))
        .count();
    assert!((1_100..1_900).contains(&refused), "{refused}");
}

#[test]
fn no_fault_lasts_for_ever() {
    for key in 0..500_u32 {
        let key = key.to_le_bytes();
        assert!((0..4).any(|nth| post(Profile::Storm, 0, &key, nth).is_none()));
    }
}

#[test]
fn the_field_has_troubles_of_its_own_beside_those_of_a_mild_storm() {
    let posts = (0..5_000_u32).filter_map(|key| post(Profile::Field, 0, &key.to_le_bytes(), 0));
    let posts: HashSet<_> = posts.collect();
    for fault in [Fault::Busy, Fault::Redirected, Fault::Nested] {
        assert!(posts.contains(&fault), "{fault:?}");
    }
    let polls = (0..5_000).filter_map(|nth| poll(Profile::Field, 0, "t", nth));
    assert!(polls.collect::<HashSet<_>>().contains(&Fault::Firewall));
    let clips = (0..5_000).filter_map(|nth| clip(Profile::Field, 0, "c", nth));
    assert!(clips.collect::<HashSet<_>>().contains(&Fault::Trickling));
    let is_blocked = |key: &u32| faults::is_blocked(Profile::Field, 0, &key.to_le_bytes());
    assert!((50..200).contains(&(0..10_000).filter(is_blocked).count()));
    assert!((0..1_000).any(|n| faults::lag(Profile::Field, 0, &format!("/clips/{n}.mp4")) > 0));
    for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::Field) {
        let posts = (0..5_000_u32).filter_map(|key| post(profile, 0, &key.to_le_bytes(), 0));
        assert!(!posts.collect::<HashSet<_>>().contains(&Fault::Nested), "{profile}");
        assert!(!(0..5_000_u32).any(|key| faults::is_blocked(profile, 0, &key.to_le_bytes())));
    }
}

//! When there is something to tell.

use rushes::domain::webhook::Occasion;
use rushes::notify::{Seen, Watch};

fn all(failures: u32) -> Watch {
    Watch::new(Occasion::ALL.to_vec(), failures)
}

#[test]
fn each_is_told_once() {
    let mut watch = all(10);
    assert_eq!(watch.news(&Seen::default()), []);
    let seen = Seen { held_by_cap: 3, failed: 10, ..Seen::default() };
    assert_eq!(watch.news(&seen), [Occasion::Cap, Occasion::Failures]);
    let seen = Seen { out_of_credit: true, ..seen };
    assert_eq!(watch.news(&seen), [Occasion::Credit]);
    assert_eq!(watch.news(&seen), []);
    assert!(watch.takes(Occasion::End) && !watch.takes(Occasion::End));
}

#[test]
fn a_third_of_the_last_twenty_is_many_but_of_fewer_it_is_not() {
    let seen = |settled, latest| Seen { settled, latest, ..Seen::default() };
    assert_eq!(all(99).news(&seen(19, 0b111_1111)), []);
    assert_eq!(all(99).news(&seen(20, 0b11_1111)), []);
    assert_eq!(all(99).news(&seen(20, 0b111_1111)), [Occasion::Failures]);
    assert_eq!(all(99).news(&seen(99, 0b111_1111 << 20)), [], "that was long ago");
}

#[test]
fn what_was_not_asked_for_is_not_told() {
    let mut watch = Watch::new(vec![Occasion::End], 1);
    assert_eq!(watch.news(&Seen { held_by_cap: 3, failed: 10, ..Seen::default() }), []);
}

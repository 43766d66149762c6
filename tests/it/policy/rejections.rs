//! Rejections that are alike, over several workers.

use rushes::policy::rejections::{AlikeRejections, Rejections};

fn others(count: u32, gist: &str) -> Vec<AlikeRejections> {
    let met = |nth| AlikeRejections {
        gist: gist.to_owned(),
        in_a_row: 1,
        are_first: true,
        prompts: vec![u64::from(nth)],
    };
    (0..count).map(met).collect()
}

fn met(times: u32) -> Rejections {
    let mut rejections = Rejections::default();
    for nth in 0..times {
        rejections.rejected("no such model", &format!("prompt {nth}"));
    }
    rejections
}

#[test]
fn the_first_of_all_workers_are_counted_together() {
    let alike = |count| others(count, "no such model");
    assert!(!met(1).are_too_many(&alike(6)));
    assert!(met(1).are_too_many(&alike(7)));
    assert!(!met(0).are_too_many(&alike(7)), "it met none itself");
    assert!(!met(7).are_too_many(&[]));
    assert!(met(8).are_too_many(&[]));
    assert_eq!(met(2).in_a_row(&alike(7)), 9);
}

#[test]
fn others_of_another_kind_or_of_one_text_do_not_count_as_first_ones() {
    assert!(!met(1).are_too_many(&others(7, "too long")));
    assert!(!met(7).are_too_many(&others(1, "too long")), "they are not the first ones");
    let mut same = others(7, "no such model");
    for one in &mut same {
        one.prompts = vec![0];
    }
    assert!(!met(1).are_too_many(&same), "of two texts");
    for one in &mut same {
        one.in_a_row = 3;
    }
    assert!(met(1).are_too_many(&same), "22 in a row");
}

#[test]
fn what_was_met_before_something_was_accepted_is_not_told() {
    let mut rejections = met(3);
    let told = rejections.told().unwrap();
    assert_eq!((told.in_a_row, told.are_first, told.prompts.len()), (3, true, 3));
    rejections.accepted();
    assert_eq!(rejections.told(), None);
    rejections.rejected("no such model", "prompt 0");
    let later = rejections.told().unwrap();
    assert_eq!((later.in_a_row, later.are_first), (1, false));
    assert_eq!(later.prompts.len(), 1);
    assert!(told.prompts.contains(&later.prompts[0]), "the same text for every worker");
}

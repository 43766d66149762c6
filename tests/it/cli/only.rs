//! Trials 14 and 15: `--only` takes several ids, and the first take by its number.

use crate::sandbox::Sandbox;

const SHOTS: &str = "\
campaign: summer
defaults: {model: kling-v2-6, prompt: x}
shots:
  - {id: alley, takes: 2}
  - {id: beach}
  - {id: coat-t1}
  - {id: coat, takes: 2}
  - {id: door}
";

/// The ids that a plan shows.
fn planned(words: &[&str]) -> Vec<String> {
    let sandbox = Sandbox::new().manifest(SHOTS);
    let done = sandbox.run_words(&[&["plan", "shots.yaml", "--format=json"], words].concat());
    let plan: serde_json::Value = serde_json::from_str(&done.exits(0).stdout()).unwrap();
    let shots = plan["shots"].as_array().unwrap().iter();
    shots.map(|shot| shot["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn several_are_separated_by_commas_or_given_each_by_its_own_flag() {
    for words in [
        &["--only", "beach,door"][..],
        &["--only", "beach", "--only=door"],
        &["--only", "{beach,door}"],
        &["--only", "b*, doo?"],
        &["--only", "{beach,door},beach"],
    ] {
        assert_eq!(planned(words), ["beach", "door"], "{words:?}");
    }
}

#[test]
fn the_first_take_is_called_by_its_number_unless_another_shot_is() {
    assert_eq!(planned(&["--only", "alley-t1"]), ["alley"]);
    assert_eq!(planned(&["--only", "alley-t1,alley-t2"]), ["alley", "alley-t2"]);
    assert_eq!(planned(&["--only", "coat-t1"]), ["coat-t1"]);
}

#[test]
fn each_must_match_a_shot() {
    let sandbox = Sandbox::new().manifest(SHOTS);
    for (only, wrong) in [
        ("beach,dor", "no shot's id matches --only dor"),
        ("beach-t1", "no shot's id matches --only beach-t1"),
        ("beach,[", "beach*"),
        (",", "names no shot"),
    ] {
        sandbox.run(["plan", "shots.yaml", "--only", only]).exits(2).warns(wrong);
    }
}

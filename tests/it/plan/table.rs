//! Trial 16: the table of a plan.

use crate::sandbox::Sandbox;

const MIXED: &str = "\
campaign: mixed
limits: {poll_every: 50ms, poll_rate: 100/s}
defaults: {model: kling-v2-6}
shots:
  - {id: done, prompt: A}
  - {id: long, prompt: B, duration: 10, mode: pro}
  - {id: 路地の雨と夜のネオン, prompt: C, aspect_ratio: \"16:9\"}
  - {id: an-id-that-is-much-longer-than-the-forty-columns-there-are, prompt: D}
";

/// Trial 16: what makes the price is shown where it differs, done shots are a count, ids of any width
/// keep the columns.
#[test]
fn trial_16_the_table_shows_what_is_to_be_done_and_what_makes_its_price() {
    let sandbox = Sandbox::new().manifest(MIXED);
    sandbox.run(["run", "shots.yaml", "--sim", "--only", "done"]).exits(0);
    let plan = sandbox.run(["plan", "shots.yaml", "--sim"]).exits(0).stdout();
    insta::assert_snapshot!(plan, @r"
    mixed: 4 shots: 3 to render, 1 done

    SHOT                                      ACTION    PRICE  MODEL       LENGTH  MODE  RATIO
    long                                      render  $0.0531  kling-v2-6  10 s    pro   -
    路地の雨と夜のネオン                      render  $0.0159  kling-v2-6  5 s     std   16:9
    an-id-that-is-much-longer-than-the-forty-columns-there-are
                                              render  $0.0159  kling-v2-6  5 s     std   -

    a run would spend $0.0849 on 3 shots
    no cap; set one with --budget USD or `budget:` in the manifest
    about 2m 31s, at 2/s and 20 in flight, if a clip takes 2m 30s
    ");
    let all = sandbox.run(["plan", "shots.yaml", "--sim", "-v"]).exits(0).stdout();
    let last = all.lines().find(|line| line.starts_with("done ")).unwrap();
    assert!(last.contains("done") && last.contains("$0.0159"), "{all}");
}

/// Trial 15: below an id that holds hashes stands what people call the shot.
#[test]
fn trial_15_a_long_id_is_told_in_words_below_it() {
    let manifest = r#"
campaign: dances
vars: {move: a step, look: as it is}
defaults: {model: kling-v2-6, prompt: "{{ move }}, {{ look }}"}
shots:
  - id: dancer
    matrix:
      look: ["lit from the side, in the rain", "a very long look that cannot be read any more, with hats"]
      move: [https://cdn.example.com/moves/spin.mp4]
    takes: 2
  - {id: an-id-that-is-much-longer-than-the-forty-columns-there-are}
"#;
    let sandbox = Sandbox::new().manifest(manifest);
    let plan = sandbox.run(["plan", "shots.yaml", "--sim"]).exits(0).stdout();
    let table: Vec<&str> = plan.lines().skip(2).take(11).map(str::trim_end).collect();
    insta::assert_snapshot!(table.join("\n"), @r"
    SHOT                                      ACTION    PRICE  MODEL
    dancer-lit-from-the-side-in-the-rai-8e15f06f-https-cdn.example.com-moves-fb2b75f4
    lit from the side, in the rain · take 1   render  $0.0159  kling-v2-6
    dancer-lit-from-the-side-in-the-rai-8e15f06f-https-cdn.example.com-moves-fb2b75f4-t2
    lit from the side, in the rain · take 2   render  $0.0159  kling-v2-6
    dancer-a-very-long-look-that-cannot-fc519705-https-cdn.example.com-moves-fb2b75f4
    a very long look that cannot b… · take 1  render  $0.0159  kling-v2-6
    dancer-a-very-long-look-that-cannot-fc519705-https-cdn.example.com-moves-fb2b75f4-t2
    a very long look that cannot b… · take 2  render  $0.0159  kling-v2-6
    an-id-that-is-much-longer-than-the-forty-columns-there-are
                                              render  $0.0159  kling-v2-6
    ");
}

/// Trial 16: nothing is said of time, or of a table, when nothing is to be bought.
#[test]
fn trial_16_of_a_finished_campaign_only_the_count_is_told() {
    let manifest = "campaign: mixed\nlimits: {poll_every: 50ms}\nshots:\n  - {id: a, model: kling-v2-6, prompt: A}\n";
    let sandbox = Sandbox::new().manifest(manifest);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let plan = sandbox.run(["plan", "shots.yaml", "--sim"]).exits(0).stdout();
    assert_eq!(plan, "mixed: 1 shot: 1 done\n\nnothing to buy: a run would spend nothing more\n");
}

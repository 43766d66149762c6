//! Trial 2: what a plan says of shots that would be bought beside what there is already.

use rushes::catalog::Catalog;
use rushes::domain::shot::{FileKind, LocalFile};
use rushes::ledger::StoredRequest;
use rushes::plan::{Because, Piece, changes, difference};

use super::*;
use crate::sandbox::{Done, Sandbox};

const SUMMER: &str = "\
campaign: summer
budget: 5
limits: {poll_every: 50ms, poll_rate: 100/s}
vars: {look: \"35 mm film, warm light, slow camera\"}
defaults: {model: kling-v2-6}
shots:
  - {id: beach, prompt: \"A girl dancing on the beach at sunset, {{ look }}, no text\", takes: 4}
  - {id: alley, prompt: Rain in a neon alley}
";

/// Five delivered shots, of which the manifest then says something else.
fn edited(edits: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new().manifest(SUMMER);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let text = edits.iter().fold(SUMMER.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    std::fs::write(sandbox.path("shots.yaml"), text).unwrap();
    sandbox
}

fn planned(sandbox: &Sandbox) -> Done {
    sandbox.run(["plan", "shots.yaml", "--sim"]).exits(0)
}

/// Trial 2: a one-word edit of a look is told as such, and what it costs.
#[test]
fn trial_2_shots_that_changed_alike_are_told_once_with_the_words_that_changed() {
    let sandbox = edited(&[("warm light", "cold light")]);
    insta::assert_snapshot!(planned(&sandbox).stdout(), @r"
    summer: 5 shots: 4 to render (4 changed), 1 done

    SHOT      ACTION     PRICE  MODEL
    beach     changed  $0.0159  kling-v2-6
    beach-t2  changed  $0.0159  kling-v2-6
    beach-t3  changed  $0.0159  kling-v2-6
    beach-t4  changed  $0.0159  kling-v2-6

    4 delivered shots changed: buying them again costs $0.0636; what was bought before stays
      beach, beach-t2, beach-t3 and 1 more
        prompt: … sunset, 35 mm film, [-warm-]{+cold+} light, slow camera, …
    to keep the clips that are there, undo the change, or choose other shots with --only

    a run would spend $0.0636 on 4 shots
    cap $5.00, $4.9205 left: enough
    about 2m 32s, at 2/s and 20 in flight, if a clip takes 2m 30s
    ");
}

/// Trial 2: several kinds of changes, beside a new shot.
#[test]
fn trial_2_other_changes_are_told_by_parameter() {
    let sandbox = edited(&[
        ("takes: 4", "takes: 1, duration: 10"),
        (
            "Rain in a neon alley}",
            "Rain in a neon alley, mode: pro, sound: on}\n  - {id: new, prompt: New}",
        ),
    ]);
    insta::assert_snapshot!(planned(&sandbox).stdout(), @r"
    summer: 3 shots: 3 to render (2 changed, 1 new)

    SHOT   ACTION     PRICE  MODEL       LENGTH  MODE  SOUND
    beach  changed  $0.0320  kling-v2-6  10 s    std   off
    alley  changed  $0.0531  kling-v2-6  5 s     pro   on
    new    render   $0.0159  kling-v2-6  5 s     std   off

    2 delivered shots changed: buying them again costs $0.0851; what was bought before stays
      beach
        duration: 5 → 10
      alley
        mode: std → pro
        sound: off → on
    to keep the clips that are there, undo the change, or choose other shots with --only

    a run would spend $0.1010 on 3 shots
    cap $5.00, $4.9205 left: enough
    about 2m 31s, at 2/s and 20 in flight, if a clip takes 2m 30s
    ");
}

/// Trial 2: the same request under another id.
#[test]
fn trial_2_a_renamed_shot_is_recognised_and_its_clip_is_named() {
    let sandbox = edited(&[("id: alley", "id: lane")]);
    let done = planned(&sandbox).warns_of_nothing();
    insta::assert_snapshot!(done.stdout(), @r"
    summer: 5 shots: 1 to render (1 renamed), 4 done

    SHOT  ACTION     PRICE  MODEL
    lane  renamed  $0.0159  kling-v2-6

    1 new shot asks for what was delivered under another id: buying it again costs $0.0159
      lane was alley; its clip is clips/alley.mp4
    to keep the clips that are there, write the old ids in the manifest

    a run would spend $0.0159 on 1 shot
    cap $5.00, $4.9205 left: enough
    about 2m 30s, at 2/s and 20 in flight, if a clip takes 2m 30s
    ");
    let plan = sandbox.run(["plan", "shots.yaml", "--sim", "--format=json"]).exits(0).stdout_json();
    let lane = &plan["shots"][4];
    assert_eq!(lane["because"], "new");
    assert_eq!(lane["was"], json!({"id": "alley", "revision": 1, "files": ["clips/alley.mp4"]}));
}

/// Trial 2: the keys that programs read.
#[test]
fn trial_2_programs_read_what_changed_and_what_it_replaces() {
    let sandbox = edited(&[("id: alley, prompt: Rain", "id: alley, duration: 10, prompt: Snow")]);
    let plan = sandbox.run(["plan", "shots.yaml", "--sim", "--format=json"]).exits(0).stdout_json();
    let (beach, alley) = (&plan["shots"][0], &plan["shots"][4]);
    assert_eq!((&beach["action"], &beach["because"]), (&json!("done"), &json!(null)));
    assert!(beach.get("changed").is_none() && beach.get("replaces").is_none());
    assert_eq!((&alley["action"], &alley["because"]), (&json!("render"), &json!("changed")));
    let changed = json!({
        "prompt": ["Rain in a neon alley", "Snow in a neon alley"], "duration": [null, "10"],
    });
    assert_eq!(alley["changed"], changed);
    assert_eq!(alley["replaces"], json!({"revision": 1, "files": ["clips/alley.mp4"]}));
    let csv = sandbox.run(["plan", "shots.yaml", "--sim", "--format=csv"]).exits(0).stdout();
    let rows: Vec<&str> = csv.trim_start_matches('\u{feff}').split("\r\n").collect();
    assert_eq!(
        rows[0],
        "id,action,because,price,model,duration,mode,sound,aspect_ratio,changed,replaces_revision,\
         replaces_files,was,was_files,hopeless,tags,prompt"
    );
    assert_eq!(
        rows[5],
        "alley,render,changed,0.0320,kling-v2-6,10,std,off,,prompt; duration,1,clips/alley.mp4,,,,,\
         Snow in a neon alley"
    );
}

/// Trial 2: what was once recorded and never bought is no change.
#[test]
fn trial_2_a_text_that_was_never_bought_is_replaced_without_a_word() {
    let sandbox = Sandbox::new().manifest(SUMMER);
    sandbox.run(["run", "shots.yaml", "--sim", "--only", "beach"]).exits(0);
    std::fs::write(sandbox.path("shots.yaml"), SUMMER.replace("Rain", "Snow")).unwrap();
    let plan = sandbox.run(["plan", "shots.yaml", "--sim", "--format=json"]).exits(0).stdout_json();
    assert_eq!(plan["shots"][4]["because"], "new");
    assert!(plan["shots"][4].get("changed").is_none());
}

/// Trial 2: the exit codes of `plan --check`.
#[test]
fn trial_2_the_exit_code_of_check_says_what_a_run_would_do() {
    let sandbox = Sandbox::new().manifest(SUMMER);
    let check = |more: &[&str]| {
        let words = [&["plan", "shots.yaml", "--sim", "--check"], more].concat();
        sandbox.run_words(&words)
    };
    check(&[]).exits(10).says("5 to render");
    check(&["--budget", "0.02"]).exits(10).says("enough for 1 of 5");
    check(&["--budget", "0.02", "--whole"]).exits(2).warns("would buy nothing");
    check(&["--budget", "0.001"]).exits(2).warns("nothing that is to be bought fits");
    sandbox.run(["run", "shots.yaml", "--sim", "--no-download"]).exits(1);
    check(&["--format=json"]).exits(11);
    sandbox.run(["fetch", "shots.yaml", "--sim"]).exits(0);
    check(&[]).exits(0).says("nothing to buy");
    sandbox.run(["plan", "shots.yaml", "--sim"]).exits(0);
    std::fs::write(sandbox.path("shots.yaml"), SUMMER.replace("prompt", "promt")).unwrap();
    check(&[]).exits(2);
}

fn because<const N: usize>(shots: &[Shot], entries: &[Entry]) -> [Option<Because>; N] {
    let plan = plan(shots, entries, Scope::default());
    let all: Vec<_> = plan.lines.iter().map(|line| line.because).collect();
    all.try_into().unwrap()
}

/// Trial 2: of several earlier texts the furthest is told of.
#[test]
fn trial_2_of_several_earlier_texts_the_furthest_and_newest_is_replaced() {
    let old = |number: u32, state: State| Entry {
        revision: RevisionId(i64::from(number)),
        number,
        fingerprint: Fingerprint::from_bytes([10 + u8::try_from(number).unwrap(); 16]),
        current: false,
        ..entry("a", state)
    };
    let delivered = || State::Delivered { attempt: AttemptId(1) };
    let entries = [
        old(1, delivered()),
        old(2, delivered()),
        old(3, failed(Failure::Rejected)),
        old(4, State::Queued { why: None }),
    ];
    let shots = [shot("a", Some("1"))];
    let planned = plan(&shots, &entries, Scope::default());
    assert_eq!(planned.lines[0].replaces().map(|entry| entry.number), Some(2));
    assert_eq!((planned.changed().shots, planned.changed().state), (1, "delivered"));
    // Of one that failed nothing is bought again.
    let planned = plan(&shots, &entries[2..], Scope::default());
    assert_eq!(planned.lines[0].because, Some(Because::Changed));
    assert_eq!(planned.changed().shots, 0);
    assert_eq!(because(&shots, &entries[3..]), [Some(Because::New)]);
}

/// Trial 2: takes have one request, and each that is gone stands for one that came.
#[test]
fn trial_2_each_gone_id_stands_for_one_new_id() {
    let delivered = || State::Delivered { attempt: AttemptId(1) };
    let entries = [entry("a", delivered()), entry("a-t2", delivered())];
    let shots = ["b", "b-t2", "b-t3"].map(|id| shot(id, Some("1")));
    let planned = plan(&shots, &entries, Scope::default());
    let was = |nth: usize| planned.lines[nth].was().map(|entry| entry.shot.as_str());
    assert_eq!([was(0), was(1), was(2)], [Some("a"), Some("a-t2"), None]);
    assert_eq!(planned.renamed().shots, 2);
}

/// Trial 2: what the user had sent again is told apart from what is new.
#[test]
fn trial_2_what_is_sent_again_is_no_new_shot() {
    let attempt = AttemptId(1);
    let doubt = State::InDoubt { attempt, why: "cut".into() };
    let entries = [entry("a", doubt), entry("b", State::Queued { why: None })];
    let shots = ["a", "b"].map(|id| shot(id, Some("1")));
    let again = [RevisionId(1)].into();
    let scope = Scope { resubmits: 5, resubmitted: Some(&again), ..Scope::default() };
    let planned = plan(&shots, &entries, scope);
    assert!(planned.lines.iter().all(|line| line.because == Some(Because::Resubmit)));
    let failed = [entry("a", failed(Failure::NotRendered))];
    let scope = Scope { retry_failed: true, ..Scope::default() };
    assert_eq!(plan(&shots[..1], &failed, scope).lines[0].because, Some(Because::Retry));
}

fn asking(json: &str, image: Option<[u8; 32]>) -> Shot {
    let file = image.map(|sha256| LocalFile {
        param: "image".into(),
        kind: FileKind::Picture,
        path: "/x/a.png".into(),
        written: "a.png".into(),
        sha256,
        bytes: 3,
    });
    let request = Request { json: json.into(), files: file.into_iter().collect() };
    Shot { request, ..shot("a", None) }
}

fn stored(request: &str, wires: &[&str]) -> StoredRequest {
    let wires = wires.iter().map(|wire| (*wire).to_owned()).collect();
    StoredRequest { fingerprint: Fingerprint::from_bytes([2; 16]), request: request.into(), wires }
}

/// Trial 2: what only is written in another way is no change.
#[test]
fn trial_2_what_means_the_same_is_no_change() {
    let catalog = Catalog::builtin();
    let today = asking(r#"{"model":"kling-v3","prompt":"B","duration":5,"sound":"off"}"#, None);
    let before =
        stored(r#"{"prompt":"A","model":"kling-v3","mode":"std","aspect_ratio":"16:9"}"#, &[]);
    let found = changes(&today, &before, &catalog);
    let found: Vec<&str> = found.iter().map(|change| &*change.param).collect();
    assert_eq!(found, ["prompt", "aspect_ratio"]);
}

/// Trial 2: a file counts by its bytes.
#[test]
fn trial_2_a_file_with_other_contents_is_a_change_and_a_moved_one_is_none() {
    let catalog = Catalog::builtin();
    let today = asking(r#"{"model":"kling-v3","prompt":"B"}"#, Some([7; 32]));
    let wire = |byte: &str| format!(r#"{{"image":{{"sha256":"{}"}}}}"#, byte.repeat(32));
    let of = |path: &str, wire: &str| {
        let request = format!(r#"{{"model":"kling-v3","prompt":"B","image":"{path}"}}"#);
        changes(&today, &stored(&request, &[wire]), &catalog)
    };
    assert_eq!(of("old/a.png", &wire("07")), []);
    let other = of("a.png", &wire("08"));
    assert!(other.len() == 1 && other[0].is_other_contents, "{other:?}");
    // A version that kept no hashes: it must be the file, since nothing else differs.
    let request = r#"{"model":"kling-v3","prompt":"B","image":"a.png"}"#;
    assert!(changes(&today, &stored(request, &[]), &catalog)[0].is_other_contents);
}

/// Trial 2: word by word.
#[test]
fn trial_2_texts_are_compared_word_by_word() {
    use Piece::{Added, Removed, Same};
    assert_eq!(
        difference("a warm light, slow", "a cold light, slow"),
        [Same("a "), Removed("warm"), Added("cold"), Same(" light, slow")]
    );
    assert_eq!(
        difference("one two three", "eins zwei three four"),
        [Removed("one two"), Added("eins zwei"), Same(" three"), Added(" four")]
    );
    assert_eq!(difference("夜の街", "夜の海"), [Same("夜の"), Removed("街"), Added("海")]);
    assert_eq!(difference("", "x"), [Added("x")]);
    assert_eq!(difference("x", ""), [Removed("x")]);
    assert_eq!(difference("same", "same"), [Same("same")]);
    let long = |word: &str| format!("{word} ").repeat(3_000);
    assert_eq!(difference(&long("a"), &long("b")).len(), 3);
}

proptest::proptest! {
    /// Trial 2: whatever the texts are, the pieces are the whole of both.
    #[test]
    fn trial_2_no_word_of_either_text_is_lost(old in "[ab,\u{590d} ]{0,24}", new in "[ab,\u{590d} ]{0,24}") {
        let pieces = difference(&old, &new);
        let of = |takes: fn(&Piece<'_>) -> Option<String>| {
            pieces.iter().filter_map(takes).collect::<String>()
        };
        let now = of(|piece| match piece {
            Piece::Same(text) | Piece::Added(text) => Some((*text).to_owned()),
            Piece::Removed(_) => None,
        });
        proptest::prop_assert_eq!(&now, &new);
        let before = of(|piece| match piece {
            Piece::Same(text) | Piece::Removed(text) => Some((*text).to_owned()),
            Piece::Added(_) => None,
        });
        proptest::prop_assert_eq!(&before, &old);
    }
}

//! Everything that the fuzzers were started from and found, read once more: nothing of it makes
//! the reader panic, hang, or say what is not so. `tests/fuzz/README.md` says how to find more.

use std::path::Path;

use proptest::prelude::*;

mod harness;

use harness::Harness;

fn replay(target: &str) {
    if !Path::new("tests/fuzz").exists() {
        return; // The package leaves the corpus out.
    }
    let harness = Harness::new();
    let mut count = 0;
    for kind in ["seeds", "corpus"] {
        let folder = Path::new("tests/fuzz").join(kind).join(target);
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let read = || harness.read(target, &bytes);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
            assert!(done.is_ok(), "{}", file.display());
            count += 1;
        }
    }
    assert!(count > 50, "the corpus of {target} is not there");
}

#[test]
fn no_yaml_makes_the_reader_stumble() {
    replay("yaml");
}

#[test]
fn no_csv_makes_the_reader_stumble() {
    replay("csv");
}

#[test]
fn no_template_makes_the_reader_stumble() {
    replay("template");
}

#[test]
fn no_manifest_and_table_make_the_reader_stumble() {
    replay("table");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let harness = Harness::new();
        for target in ["yaml", "csv", "template", "table"] {
            harness.read(target, &bytes);
        }
    }

    #[test]
    fn no_text_makes_the_reader_stumble(
        text in "[-a-z0-9 :,&*<>|{}\\[\\]\"'#%!~\n\t;äé🎬]{0,200}",
        template in "[{}%# a-z0-9.|()'+*~-]{0,60}",
    ) {
        let harness = Harness::new();
        harness.read("yaml", text.as_bytes());
        harness.read("yaml", format!("shots:\n  - {text}").as_bytes());
        harness.read("csv", text.as_bytes());
        harness.read("csv", format!("id,model,prompt\n{text}\na,kling-v3,{text}").as_bytes());
        harness.read("table", text.as_bytes());
        harness.read("template", template.as_bytes());
        harness.read("template", format!("{{{{ {template} }}}}").as_bytes());
    }
}

/// What a fuzzer is too slow to grow: files whose size alone is hostile.
#[test]
fn big_odd_files_take_time_and_memory_by_their_size() {
    let harness = Harness::new();
    let head = "campaign: c\ndefaults: {model: kling-v3, prompt: x}\nshots:\n";
    let columns =
        |count: usize| (0..count).map(|at| format!("c{at},")).collect::<Vec<_>>().concat();
    let rows = |count: usize, end: &str| format!("x,kling-v3,a{end}").repeat(count);
    for (target, text) in [
        // A path that recursion follows to its end.
        (
            "csv",
            format!("id,model,camera_control.type,camera_control{}\na,b,c,d", ".a".repeat(100_000)),
        ),
        // Lines that end as on an old Mac: places are looked up from the file's start.
        ("csv", format!("id,model,prompt\r{}", rows(100_000, "\r"))),
        // A last row of many cells, each looked up from the row's start.
        ("csv", format!("id,model,prompt\n{}", "a,kling-v3,\"".repeat(100_000))),
        ("csv", format!("{}\n{}", columns(20_000), "x,".repeat(20_000))),
        // A megabyte of text that aliases make gigabytes of.
        (
            "yaml",
            format!(
                "campaign: &a \"{}\"\n{}  - {{id: a, extra: {{x: [{}]}}}}\n",
                "x".repeat(1_000_000),
                &head[12..],
                "*a , ".repeat(5_000),
            ),
        ),
    ] {
        harness.read(target, text.as_bytes());
    }
}

/// The same prompt, millions of times.
#[test]
#[ignore = "fills four gigabytes of memory before it is refused; by hand"]
fn a_flood_of_requests_is_refused() {
    let values: Vec<String> = (0..2_000).map(|at| at.to_string()).collect();
    let values = values.join(", ");
    let text = format!(
        "campaign: c\ndefaults: {{model: kling-v3}}\nshots:\n  - {{id: a, matrix: {{t: [{values}], u: [{values}]}}, prompt: '{{{{ t }}}} {{{{ u }}}} {}'}}\n",
        "x".repeat(2_400)
    );
    Harness::new().read("yaml", text.as_bytes());
}

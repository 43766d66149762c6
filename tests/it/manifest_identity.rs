//! Who is who: what is done to one shot's siblings never makes it another shot, and no bytes at
//! all make the reader panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::subsequence;
use rushes::catalog::Catalog;
use rushes::manifest::{Mistakes, Reading, load};
use rushes::shot::Fingerprint;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);

/// A campaign's shots: id to fingerprint.
type Shots = BTreeMap<String, Fingerprint>;

fn read(files: &[(&str, &[u8])]) -> Result<Shots, Mistakes> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let reading = Reading { catalog: &CATALOG, capped: None, color: false };
    let campaign = load(&folder.path().join(files[0].0), &reading)?;
    let count = campaign.shots.len();
    let shots: Shots =
        campaign.shots.into_iter().map(|shot| (shot.id.to_string(), shot.fingerprint)).collect();
    assert_eq!(shots.len(), count);
    Ok(shots)
}

/// An entry with a matrix and takes; the order and the quoting of what it holds are free.
#[derive(Clone, Debug)]
struct Entry {
    id: usize,
    moods: Vec<String>,
    lengths: Vec<u32>,
    takes: u32,
    turned: bool,
}

fn entry() -> impl Strategy<Value = Entry> {
    let moods = ["calm", "New York", "16:9", "a/b", "a b!", "ä", "…", "wild-ish", "x.y"];
    let moods = subsequence(moods.to_vec(), 1..5).prop_shuffle();
    let lengths = subsequence(vec![3_u32, 5, 7, 15], 1..4).prop_shuffle();
    (0..1000_usize, moods, lengths, 1..4_u32, any::<bool>()).prop_map(
        |(id, moods, lengths, takes, turned)| Entry {
            id,
            moods: moods.into_iter().map(str::to_owned).collect(),
            lengths,
            takes,
            turned,
        },
    )
}

fn yaml(entries: &[Entry]) -> String {
    let mut text = String::from(
        "campaign: c\ndefaults: {model: kling-v3, prompt: 'a {{ mood }} beach'}\nshots:\n",
    );
    for Entry { id, moods, lengths, takes, turned } in entries {
        let quote = if *turned { '"' } else { '\'' };
        let moods: Vec<String> = moods.iter().map(|m| format!("{quote}{m}{quote}")).collect();
        let moods = format!("mood: [{}]", moods.join(", "));
        let lengths: Vec<String> = lengths
            .iter()
            .map(|n| if *turned { format!("'{n}'") } else { n.to_string() })
            .collect();
        let lengths = format!("duration: [{}]", lengths.join(", "));
        let (one, two) = if *turned { (&lengths, &moods) } else { (&moods, &lengths) };
        let matrix = format!("matrix: {{{one}, {two}}}");
        let id = format!("id: e{id}");
        let takes = format!("takes: {takes}");
        let keys = if *turned { [takes, matrix, id] } else { [id, takes, matrix] };
        let _ = writeln!(text, "  - {{{}}}", keys.join(", "));
    }
    text
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 1..4).prop_map(|mut entries| {
        entries.sort_by_key(|entry| entry.id);
        entries.dedup_by_key(|entry| entry.id);
        entries
    })
}

/// Columns of a table whose rows have no id, and its rows.
fn csv(order: &[usize], rows: &[(String, u32, String)], extra_column: bool) -> String {
    let columns = ["prompt", "duration", "place"];
    let mut head: Vec<&str> = order.iter().map(|at| columns[*at]).collect();
    if extra_column {
        head.push("unused");
    }
    let mut text = head.join(";") + "\r\n";
    for (prompt, duration, place) in rows {
        let cells = [prompt.clone(), duration.to_string(), place.clone()];
        let mut row: Vec<&str> = order.iter().map(|at| cells[*at].as_str()).collect();
        if extra_column {
            row.push("whatever");
        }
        text.push_str(&(row.join(";") + "\r\n"));
    }
    text
}

fn rows() -> impl Strategy<Value = Vec<(String, u32, String)>> {
    let row = ("[a-z]{1,8}( [a-z]{1,30})?", 3..16_u32, "[a-z]{1,3}|[a-z]{3} [a-z-]{2,60}");
    proptest::collection::hash_set(row, 1..8).prop_map(|rows| {
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort();
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_quoting_change_no_shot(entries in entries(), seed in any::<u64>()) {
        let before = read(&[("shots.yaml", yaml(&entries).as_bytes())]).unwrap();
        let mut turned = entries;
        for entry in &mut turned {
            entry.turned = !entry.turned;
            entry.moods.reverse();
            entry.lengths.rotate_left(1);
        }
        let middle = usize::try_from(seed % 4).unwrap().min(turned.len());
        turned.rotate_left(middle);
        let after = read(&[("shots.yaml", yaml(&turned).as_bytes())]).unwrap();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn more_siblings_change_no_shot(entries in entries(), new in entry()) {
        let before = read(&[("shots.yaml", yaml(&entries).as_bytes())]).unwrap();
        let mut more = entries;
        for entry in &mut more {
            entry.takes += 1;
            entry.moods.insert(0, "stormy".to_owned());
            entry.lengths.push(9);
        }
        if more.iter().all(|entry| entry.id != new.id) {
            more.insert(0, new);
        }
        let after = read(&[("shots.yaml", yaml(&more).as_bytes())]).unwrap();
        for (id, fingerprint) in before {
            prop_assert_eq!(after.get(&id), Some(&fingerprint), "{}", id);
        }
    }

    #[test]
    fn rows_keep_their_identity(rows in rows(), order in Just(vec![0, 1, 2]).prop_shuffle(), cut in 0..8_usize) {
        let manifest = b"campaign: c\nshots:\n  - {id: r, from: rows.csv, model: kling-v3, prompt: '{{ prompt }} in {{ place }}'}\n";
        let read = |text: String| read(&[("shots.yaml", manifest), ("rows.csv", text.as_bytes())]).unwrap();
        let before = read(csv(&[0, 1, 2], &rows, false));
        prop_assert_eq!(before.len(), rows.len());
        let mut other = rows.clone();
        other.reverse();
        prop_assert_eq!(&before, &read(csv(&order, &other, true)));
        other.truncate(cut.clamp(1, other.len()));
        for (id, fingerprint) in read(csv(&order, &other, true)) {
            prop_assert_eq!(before.get(&id), Some(&fingerprint), "{}", id);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&[("shots.yaml", &bytes)]);
        let _ = read(&[("shots.csv", &bytes)]);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[-a-z0-9 :,&*<>|{}\\[\\]\"'#%!~\n\t\r;äé🎬]{0,200}", template in "[{}%# a-z0-9.|()'+*~-]{0,60}") {
        let _ = read(&[("shots.yaml", text.as_bytes())]);
        let _ = read(&[("shots.yaml", format!("shots:\n  - {text}").as_bytes())]);
        let _ = read(&[("shots.csv", text.as_bytes())]);
        let _ = read(&[("shots.csv", format!("id,model,prompt\n{text}\na,kling-v3,{text}").as_bytes())]);
        let prompt = template.replace('\'', "''");
        let shot = format!("vars: {{a: 1}}\nshots:\n  - {{id: a, model: kling-v3, prompt: '{{{{ {prompt} }}}}', tags: ['{prompt}']}}");
        let _ = read(&[("shots.yaml", shot.as_bytes())]);
    }
}

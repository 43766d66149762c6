//! What a request means, however a spreadsheet or an editor wrote it, and how what was bought under
//! an earlier rule is found.

use rushes::catalog::{Catalog, FingerprintRule, Params};
use rushes::domain::shot::{Fingerprint, Shot};

use super::{load_files, yaml};

fn table(text: &str) -> Shot {
    load_files(&[("shots.csv", text.as_bytes())]).unwrap().shots.remove(0)
}

/// What the first release made of a request that is sent so.
fn first(json: &str) -> Fingerprint {
    let params: Params = serde_json::from_str(json).unwrap();
    Catalog::builtin().fingerprint_by(FingerprintRule::First, &params, &[])
}

/// Both are the same shot, and what the first release made of each is among its fingerprints.
fn one_meaning(these: &Shot, as_first: &str, others: &[(&Shot, &str)]) {
    assert!(these.fingerprints().any(|one| one == first(as_first)), "{as_first}");
    for (other, as_first) in others {
        assert_eq!(these.fingerprint, other.fingerprint, "{as_first}");
        assert!(other.fingerprints().any(|one| one == first(as_first)), "{as_first}");
    }
}

#[test]
fn field_22_a_ratio_is_sent_in_lowest_terms_and_was_bought_as_it_was_written() {
    let shot =
        |ratio: &str| table(&format!("id,model,prompt,aspect_ratio\na,kling-v3,x,{ratio}\n"));
    let sent =
        |ratio: &str| format!(r#"{{"model":"kling-v3","prompt":"x","aspect_ratio":"{ratio}"}}"#);
    let plain = shot("9:16");
    for ratio in ["09:16", "18:32", "1080:1920"] {
        let written = shot(ratio);
        assert_eq!(&*written.request.json, sent("9:16"));
        one_meaning(&plain, &sent("9:16"), &[(&written, &sent(ratio))]);
        assert_eq!(written.former.len(), 1);
    }
    assert!(plain.former.is_empty());
    assert_eq!(&*shot("021:9").request.json, sent("21:9"), "a name in its own right");
    let other = shot("16:9");
    assert_ne!(other.fingerprint, plain.fingerprint);
    let prompt = yaml("shots: [{id: a, model: kling-v3, prompt: '09:16', aspect_ratio: '16:9'}]");
    assert!(prompt.unwrap().shots[0].request.json.contains("09:16"), "a prompt is no ratio");
}

#[test]
fn field_35_line_ends_within_a_cell_are_one_meaning() {
    let shot = |end: &str| table(&format!("id,model,prompt\na,kling-v3,\"x{end}y\"\n"));
    let sent = |end: &str| format!(r#"{{"model":"kling-v3","prompt":"x{end}y"}}"#);
    let (windows, mac) = (shot("\r\n"), shot("\r"));
    let others = [(&windows, &*sent("\\r\\n")), (&mac, &*sent("\\r"))];
    one_meaning(&shot("\n"), &sent("\\n"), &others);
    assert_ne!(shot("\n\n").fingerprint, shot("\n").fingerprint);
}

#[test]
fn field_35_composed_and_decomposed_characters_are_one_meaning() {
    let shot = |e: &str| table(&format!("id,model,prompt,extra.place\na,kling-v3,caf{e},caf{e}\n"));
    let sent = |e: &str| format!(r#"{{"model":"kling-v3","prompt":"caf{e}","place":"caf{e}"}}"#);
    let (composed, two) = (shot("\u{e9}"), shot("e\u{301}"));
    one_meaning(&composed, &sent("\u{e9}"), &[(&two, &sent("e\u{301}"))]);
    assert!(two.request.json.contains('\u{301}'), "a text is sent as it is written");
    assert!(composed.former.is_empty() && two.former.len() == 1);
    assert_ne!(shot("e").fingerprint, composed.fingerprint);
}

#[test]
fn field_35_a_whole_number_in_a_template_is_one_meaning_however_it_is_written() {
    let shot = |n: &str| {
        let rows = format!("id,n\na,{n}\n");
        let manifest = b"campaign: c\ndefaults: {model: kling-v3}\nshots:\n  - {id: s, from: r.csv, prompt: '{{ n }} birds, {{ n * 2 }} wings'}\n";
        let files: [(&str, &[u8]); 2] = [("shots.yaml", manifest), ("r.csv", rows.as_bytes())];
        load_files(&files).unwrap().shots.remove(0)
    };
    let sent =
        |n: &str, m: &str| format!(r#"{{"model":"kling-v3","prompt":"{n} birds, {m} wings"}}"#);
    let decimal = shot("5.0");
    one_meaning(&shot("5"), &sent("5", "10"), &[(&decimal, &sent("5.0", "10.0"))]);
    assert_eq!(&*decimal.request.json, sent("5.0", "10.0"), "it is sent as it is written");
    assert_ne!(shot("5.5").fingerprint, shot("5").fingerprint);
}

#[test]
fn field_22_switches_of_any_spreadsheet_are_read() {
    let shot = |on: &str| {
        table(&format!(
            "id,model,prompt,sound\na,kling-v3,\"{{{{ 'loud' if sound else 'still' }}}}\",{on}\n"
        ))
    };
    for (on, words) in [("on", ["WAHR", "VRAI", "Verdadero"]), ("off", ["FALSCH", "FAUX", "FALSO"])]
    {
        for word in words {
            assert_eq!(shot(word).fingerprint, shot(on).fingerprint, "{word}");
        }
    }
    // The first release took any word in an `if` for yes, and is found so.
    let rows = "id,wide\na,FAUX\n";
    let manifest = b"campaign: c\ndefaults: {model: kling-v3}\nshots:\n  - {id: s, from: r.csv, prompt: '{{ 1 if wide else 2 }}'}\n";
    let shot = load_files(&[("shots.yaml", manifest), ("r.csv", rows.as_bytes())]).unwrap();
    let shot = &shot.shots[0];
    assert_eq!(&*shot.request.json, r#"{"model":"kling-v3","prompt":"2"}"#);
    assert_eq!(shot.former[..], [first(r#"{"model":"kling-v3","prompt":"1"}"#)]);
}

#[test]
fn a_stored_request_is_read_by_todays_rules() {
    let catalog = Catalog::builtin();
    let today = table("id,model,prompt,aspect_ratio\na,kling-v3,x,9:16\n");
    let stored = r#"{"aspect_ratio":"09:16","model":"kling-v3","prompt":"x"}"#;
    let of = |json: &str| catalog.fingerprints(&serde_json::from_str(json).unwrap(), &[]);
    assert_eq!(of(stored), [today.fingerprint, first(stored)]);
    assert_eq!(of(&today.request.json), [today.fingerprint]);
}

//! The manifest language: what loads, what does not and where it says so, and which shot is which.

mod chars;
mod comments;
mod file;
mod groups;
mod identity;
mod meaning;
mod scalar;
mod sheets;
mod table;
mod template;

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use rushes::catalog::{BUILTIN, Catalog};
use rushes::domain::secret::Secret;
use rushes::domain::shot::FileKind;
use rushes::manifest::{Campaign, Mistakes, Reading, load};
use rushes::policy::limits::Limits;
use rushes::provider::{FileError, LoadShare, LoadedFiles, Submission, body, canonical_wire};

use crate::support::pictures::mp4;

fn reading(catalog: &Catalog) -> Reading<'_> {
    Reading { catalog, capped: None, color: false }
}

/// Loads files written to a folder; the first is the manifest.
fn load_files(files: &[(&str, &[u8])]) -> Result<Campaign, Mistakes> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let catalog = Catalog::builtin();
    load(&folder.path().join(files[0].0), &reading(&catalog))
}

fn yaml(text: &str) -> Result<Campaign, Mistakes> {
    load_files(&[("shots.yaml", text.as_bytes())])
}

fn ids(campaign: &Campaign) -> Vec<String> {
    campaign.shots.iter().map(|shot| shot.id.to_string()).collect()
}

#[test]
fn a_simple_manifest_loads() {
    let campaign = yaml(
        "campaign: beach\nbudget: 25\ndefaults: {model: kling-v3, sound: on}\nshots:\n  - id: dawn\n    prompt: A beach\n    duration: 5\n    aspect_ratio: 16:9\n    takes: 2\n",
    )
    .unwrap();
    assert_eq!(ids(&campaign), ["dawn", "dawn-t2"]);
    assert_eq!(
        &*campaign.shots[0].request.json,
        r#"{"model":"kling-v3","prompt":"A beach","duration":"5","sound":"on","aspect_ratio":"16:9"}"#
    );
    assert_eq!(campaign.shots[0].price, Some("0.478".parse().unwrap()));
}

/// `entry: name=value name=value` of each shot.
fn origins(campaign: &Campaign) -> Vec<String> {
    let of = |shot: &rushes::domain::shot::Shot| {
        let told = shot.variant.iter().map(|(name, value)| format!(" {name}={value}"));
        format!("{}:{}", shot.entry, told.collect::<String>())
    };
    campaign.shots.iter().map(of).collect()
}

#[test]
fn a_shot_knows_its_entry_and_what_tells_it_from_its_siblings() {
    let campaign = yaml(
        "campaign: c\ndefaults: {model: kling-v3, prompt: 'A {{ time | default(1) }}'}\nshots:\n  \
         - {id: alone}\n  - {id: one, matrix: {time: [dusk]}}\n  \
         - {id: beach, takes: 2, matrix: {time: [dawn, \"late\\tnight\"], aspect_ratio: ['16:9', '1:1']}}\n  \
         - {id: 'city-{{ time }}', matrix: {time: [1, 2.0]}}\n",
    )
    .unwrap();
    assert_eq!(
        origins(&campaign),
        [
            "alone:",
            "one:",
            "beach: aspect_ratio=16:9 time=dawn take=1",
            "beach: aspect_ratio=16:9 time=dawn take=2",
            "beach: aspect_ratio=16:9 time=late night take=1",
            "beach: aspect_ratio=16:9 time=late night take=2",
            "beach: aspect_ratio=1:1 time=dawn take=1",
            "beach: aspect_ratio=1:1 time=dawn take=2",
            "beach: aspect_ratio=1:1 time=late night take=1",
            "beach: aspect_ratio=1:1 time=late night take=2",
            "city-{{ time }}: time=1",
            "city-{{ time }}: time=2.0",
        ]
    );
    let shared = |of: usize| std::sync::Arc::as_ptr(&campaign.shots[of].entry);
    assert_eq!(shared(2), shared(9), "one text for all shots of an entry");
    assert_eq!(shared(0), std::sync::Arc::as_ptr(&campaign.shots[0].id.shared()));
}

#[test]
fn a_rows_shot_is_told_by_its_id_or_else_by_the_cells_it_uses() {
    let of = |entry: &str, table: &str| {
        let head = "campaign: c\ndefaults: {model: kling-v3}\nshots:\n";
        let manifest = format!("{head}  - {entry}\n");
        let files = [("shots.yaml", manifest.as_bytes()), ("rows.csv", table.as_bytes())];
        origins(&load_files(&files).unwrap())
    };
    let from =
        |rest: &str| format!("{{id: spot, from: rows.csv, prompt: 'A {{{{ what }}}}'{rest}}}");
    let named = "id,what,duration,note\na,cup,5,x\nb,pot,5,y\n";
    assert_eq!(of(&from(""), named), ["spot: id=a", "spot: id=b"]);
    assert_eq!(
        of(&from(", takes: 2"), "id,what\na,cup\n"),
        ["spot: id=a take=1", "spot: id=a take=2"]
    );
    assert_eq!(of(&from(""), "id,what\na,cup\n"), ["spot:"], "it has no siblings");
    let cells = "what,duration,note\ncup,5.0,x\npot,,y\n";
    assert_eq!(of(&from(""), cells), ["spot: duration=5 what=cup", "spot: what=pot"]);
    let own = "{id: 'spot-{{ what }}', from: rows.csv, prompt: 'A {{ what }}'}";
    assert_eq!(of(own, named), ["spot-{{ what }}: what=cup", "spot-{{ what }}: what=pot"]);
    let nameless = "{from: rows.csv, prompt: 'A {{ what }}'}";
    assert_eq!(of(nameless, named), ["a:", "b:"], "each row is an entry of its own");
    let long = format!("what\n{}\nshort\n", "ü".repeat(500));
    assert_eq!(of(&from(""), &long)[0], format!("spot: what={}…", "ü".repeat(99)));

    let table = "id,model,prompt,takes\na,kling-v3,A cup,1\nb,kling-v3,A pot,2\n";
    let campaign = load_files(&[("rows.csv", table.as_bytes())]).unwrap();
    assert_eq!(origins(&campaign), ["a:", "b: take=1", "b: take=2"]);
}

#[test]
fn shipped_manifests_load_cleanly() {
    let catalog = Catalog::builtin();
    for entry in std::fs::read_dir("manifests").unwrap() {
        let path = entry.unwrap().path();
        let is_manifest = path.extension().is_some_and(|e| e == "yaml")
            || path.file_stem().is_some_and(|stem| stem == "product-spots");
        if is_manifest {
            load_shipped(&path, &catalog);
        }
    }
}

fn load_shipped(path: &Path, catalog: &Catalog) {
    match load(path, &reading(catalog)) {
        Ok(campaign) => assert!(campaign.warnings.is_empty(), "{:?}", campaign.warnings),
        Err(mistakes) => panic!("{}\n{mistakes}", path.display()),
    }
}

const HEAD: &str = "campaign: c\ndefaults: {model: kling-v2-6}\nshots:\n";

#[test]
fn all_mistakes_of_a_manifest_are_reported_together_in_order() {
    let mistakes = yaml(
        "campaign: a b\nlimits: {rate: x}\ndefaults: {model: kling-v2-6, mode: fast}\nshots:\n  - id: one\n    promt: x\n    duration: 7\n  - id: one\n    prompt: {{ mood }}\n    takes: none\n",
    )
    .unwrap_err();
    let places: Vec<&str> = mistakes
        .rendered
        .lines()
        .filter_map(|line| line.strip_prefix("error: ")?.split("shots.yaml:").nth(1))
        .filter_map(|line| line.split(": ").next())
        .collect();
    let expected = ["1:11", "2:16", "3:37", "6:5", "7:15", "8:9", "9:13", "10:12"];
    assert!(expected.iter().all(|place| places.contains(place)), "{places:?}\n{mistakes}");
    assert!(
        places.is_sorted_by_key(|place| place.split(':').next().unwrap().parse::<u32>().unwrap())
    );
    assert_eq!(mistakes.count, places.len());
}

#[test]
fn the_same_mistake_in_many_shots_is_one_mistake() {
    let mistakes =
        yaml(&format!("{HEAD}  - {{id: a, prompt: x, duration: 12, takes: 1000}}\n")).unwrap_err();
    assert_eq!(mistakes.count, 1);
    assert!(mistakes.rendered.contains("in shot `a` and 999 more"), "{mistakes}");
}

#[test]
fn a_spreadsheets_csv_loads_as_it_is() {
    let campaign = load_files(&[(
        "spots.csv",
        b"\xef\xbb\xbf id ;model; prompt ;duration;multi_shot;camera_control.type;watermark_info.enabled;extra.seed;;\r\n\
          a;kling-v3;\"one; \"\"two\"\"\r\nthree\";5.0;TRUE;zoom;FALSE;7;;\r\n;;;;;;;;;\r\n",
    )])
    .unwrap();
    assert_eq!(campaign.header.campaign, "spots");
    assert_eq!(ids(&campaign), ["a"]);
    assert_eq!(
        &*campaign.shots[0].request.json,
        r#"{"model":"kling-v3","prompt":"one; \"two\"\r\nthree","duration":"5","camera_control":{"type":"zoom"},"multi_shot":true,"watermark_info":{"enabled":false},"extra_seed":7}"#
            .replace("extra_seed", "seed")
    );
}

#[test]
fn matrix_rows_takes_and_templates_make_shots() {
    let campaign = load_files(&[
        (
            "shots.yaml",
            b"campaign: c\nvars: {style: noir}\ndefaults: {model: kling-v3, prompt: '{{ what }}, {{ style }}, {{ n * 2 }}'}\nshots:\n  - id: s\n    from: rows.csv\n    takes: 2\n    matrix: {n: [1, 2], mode: [std]}\n    cfg_scale: '{{ n / 2 }}'\n    clip_name: 'f/{{ id }}'\n    tags: ['{{ what }}', all]\n    extra: {seed: '{{ n }}', nested: {s: '{{ take }}', t: 'x{{ n }}'}}\n" as &[u8],
        ),
        ("rows.csv", b"what,duration,note\nkettle,5,x\n\"a mug\",,y\n"),
    ])
    .unwrap();
    // The row's part is made of the cells that the request uses: `duration` and `what`.
    let ids = ids(&campaign);
    assert_eq!(ids.len(), 8);
    assert_eq!(ids[0], "s-5-kettle-std-1");
    assert_eq!(ids[1], "s-5-kettle-std-1-t2");
    assert!(ids[4].starts_with("s-") && ids[4].ends_with("-std-1"), "{ids:?}");
    let shot = &campaign.shots[3];
    assert_eq!(&*shot.clip_name, "f/s-5-kettle-std-2-t2");
    assert_eq!(shot.tags.iter().map(|t| &**t).collect::<Vec<_>>(), ["kettle", "all"]);
    assert_eq!(
        &*shot.request.json,
        r#"{"model":"kling-v3","prompt":"kettle, noir, 4","mode":"std","duration":"5","cfg_scale":1.0,"nested":{"s":2,"t":"x2"},"seed":2}"#
    );
}

#[test]
fn yaml_as_people_write_it_means_what_it_says() {
    let campaign = yaml(
        "campaign: c\ndefaults: &d\n  model: kling-v2-6\n  mode: pro\nx-base: &b {duration: 10, sound: yes}\nshots: []\n",
    );
    assert!(campaign.is_err(), "`x-base` is no key");
    let campaign = yaml(
        "campaign: c\nshots:\n  - &b {id: a, model: kling-v2-6, mode: pro, prompt: x, duration: '10', sound: yes, aspect_ratio: 21:9}\n  - <<: *b\n    id: b\n    # a comment\n    prompt: >-\n      folded\n      text\n    sound: ~\n    negative_prompt: 1.10\n  - {<<: *b, id: 3, prompt: \"\\u00e4\"}\n",
    )
    .unwrap();
    let json: Vec<&str> = campaign.shots.iter().map(|shot| &*shot.request.json).collect();
    assert_eq!(
        json,
        [
            r#"{"model":"kling-v2-6","prompt":"x","mode":"pro","duration":"10","sound":"on","aspect_ratio":"21:9"}"#,
            r#"{"model":"kling-v2-6","prompt":"folded text","mode":"pro","duration":"10","negative_prompt":"1.10","aspect_ratio":"21:9"}"#,
            r#"{"model":"kling-v2-6","prompt":"ä","mode":"pro","duration":"10","sound":"on","aspect_ratio":"21:9"}"#,
        ]
    );
}

#[test]
fn a_body_is_the_request_with_its_files_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let png = crate::cases::PNG;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    std::fs::write(folder.path().join("a.png"), png).unwrap();
    let manifest = folder.path().join("shots.yaml");
    let text = "campaign: c\nshots:\n  - {id: a, model: kling-v3, prompt: x, image: a.png}\n";
    std::fs::write(&manifest, text).unwrap();
    let catalog = Catalog::builtin();
    let campaign = load(&manifest, &reading(&catalog)).unwrap();
    let request = &campaign.shots[0].request;
    assert_eq!(&*request.json, r#"{"model":"kling-v3","prompt":"x"}"#);
    let expected =
        format!(r#"{{"model":"kling-v3","prompt":"x","image":"{}"}}"#, base64(png)).into_bytes();
    let (key, params) = (Secret::from_bytes([7; 16]), request.json.clone());
    let files = LoadedFiles::read(request, &LoadShare::default()).unwrap().0;
    assert_eq!(body(&Submission { key, params, files, callback: None }), expected);
    // Written as base64, in a `data:` URL or as a file, it is the same shot.
    for image in [
        base64(&[png, b"behind its end"].concat()),
        format!("data:image/png;base64,{}", base64(png)),
    ] {
        std::fs::write(&manifest, text.replace("a.png", &format!("'{image}'"))).unwrap();
        let again = load(&manifest, &reading(&catalog)).unwrap();
        assert!(again.shots[0].request.files.is_empty());
        let same = again.shots[0].fingerprint == campaign.shots[0].fingerprint;
        assert_eq!(same, image.starts_with("data:"));
    }
    let (longer, other) = ([png, b"+"].concat(), [&b"\x88"[..], &png[1..]].concat());
    for changed in [other, longer, Vec::new()] {
        std::fs::write(folder.path().join("a.png"), changed).unwrap();
        assert!(matches!(
            LoadedFiles::read(request, &LoadShare::default()),
            Err(FileError::Changed { .. })
        ));
    }
    std::fs::remove_file(folder.path().join("a.png")).unwrap();
    assert!(matches!(
        LoadedFiles::read(request, &LoadShare::default()),
        Err(FileError::Unreadable { .. })
    ));
}

#[test]
fn a_header_is_read_without_looking_at_the_shots() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shots.yaml");
    std::fs::write(&path, "budget: {cap: '1.50', strict: yes}\non_doubt: resubmit\nlimits: {rate: 90/min, attempts: 3}\nshots: [{nonsense: 1}]\n").unwrap();
    let header = rushes::manifest::header(&path, false).unwrap();
    assert_eq!(header.campaign, "shots");
    let budget = header.budget.unwrap();
    assert_eq!((budget.cap, budget.strict), (Some("1.50".parse().unwrap()), true));
    let rate = "90/min".parse().unwrap();
    assert_eq!(header.limits, Limits { rate, attempts: 3, ..Limits::default() });
    // A slip among the shots does not stop a download; one in the settings might mislead.
    let broken =
        "campaign: films\nshots:\n  - {id: a, prompt: x}\n  - id: b\n    prompt: Night: a street\n";
    std::fs::write(&path, broken).unwrap();
    assert_eq!(rushes::manifest::header(&path, false).unwrap().campaign, "films");
    let twice = "campaign: films\nshots:\n  - {id: a, id: b, prompt: x}\n";
    std::fs::write(&path, twice).unwrap();
    assert_eq!(rushes::manifest::header(&path, false).unwrap().campaign, "films");
    for wrong in ["campaign: a: b\nshots: [{id: a}]\n", "shots: [{id: a}]\ncampain: c\n"] {
        std::fs::write(&path, wrong).unwrap();
        assert!(rushes::manifest::header(&path, false).is_err(), "{wrong}");
    }
    assert!(rushes::manifest::header(&folder.path().join("gone.yaml"), false).is_err());
    assert!(rushes::manifest::header(folder.path(), false).is_err());
}

#[test]
fn an_unknown_price_is_a_warning_without_a_cap() {
    let text = format!("{HEAD}  - {{id: a, prompt: x, sound: on, takes: 3}}");
    let campaign = yaml(&text).unwrap();
    assert_eq!(campaign.warnings.len(), 1, "{:?}", campaign.warnings);
    assert!(campaign.shots.iter().all(|shot| shot.price.is_none()));
}

#[test]
fn bombs_of_aliases_and_templates_end_in_a_mistake() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let inner = format!("*a{}, ", level - 1).repeat(10);
        let _ = writeln!(bomb, "a{level}: &a{level} [{inner}]");
    }
    bomb.push_str("shots: [{id: a, model: kling-v3, prompt: x, extra: {bomb: *a39}}]\n");
    assert!(yaml(&bomb).is_err());
    let mut chain = String::new();
    for level in 1..3000 {
        let _ = writeln!(chain, "- &b{level} [*b{}]", level - 1);
    }
    assert!(yaml(&format!("shots:\n- &b0 [x]\n{chain}")).is_err());
    let flood = format!("{{{{ 'x' {} }}}}", "| replace('x', 'xxxxxxxxxx')".repeat(20));
    let mistakes = yaml(&format!("{HEAD}  - {{id: a, prompt: \"{flood}\"}}")).unwrap_err();
    assert!(mistakes.rendered.contains("too much to render"), "{mistakes}");
    assert!(yaml(&format!("shots: {}", "[".repeat(100_000))).is_err());
}

#[test]
fn a_callback_address_takes_the_place_of_another_and_is_no_other_s_business() {
    let called = |json: &str, callback: Option<&str>| {
        let (key, params) = (Secret::from_bytes([7; 16]), json.into());
        let callback = callback.map(str::to_owned);
        let body = body(&Submission { key, params, files: Vec::new(), callback });
        String::from_utf8(body.to_vec()).unwrap()
    };
    let sent = |json: &str| called(json, Some("http://h/\"1\""));
    let ours = r#""callback_url":"http://h/\"1\"""#;
    assert_eq!(sent("{}"), format!("{{{ours}}}"));
    assert_eq!(sent(r#"{"a":1}"#), format!(r#"{{"a":1,{ours}}}"#));
    assert_eq!(sent(r#"{"callback_url":"x","a":1}"#), format!(r#"{{"a":1,{ours}}}"#));
    let prompt = r#"{"prompt":"say \"callback_url\":"}"#;
    assert_eq!(sent(prompt), format!("{},{ours}}}", &prompt[..prompt.len() - 1]));
    assert_eq!(called("{\"a\":1}", None), "{\"a\":1}");
}

#[test]
fn field_16_a_local_video_is_a_file_of_its_request_and_known_by_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let text = BUILTIN.replace("video: {bytes: 99000000}", "video: {bytes: 1000}");
    let catalog = Catalog::parse(&text).unwrap();
    let manifest = folder.path().join("shots.yaml");
    let load_with = |video: &str| {
        let shot = "model: kling-motion-control, image: 'https://a.b/c.png'";
        let text = format!("shots:\n  - {{id: a, {shot}, motion_video: '{video}'}}\n");
        std::fs::write(&manifest, text).unwrap();
        load(&manifest, &reading(&catalog))
    };
    let write = |name: &str, bytes| std::fs::write(folder.path().join(name), mp4(bytes)).unwrap();
    write("a.mp4", 100);
    write("b.mp4", 100);
    write("c.mp4", 101);
    write("big.mp4", 1000);
    let shots =
        ["a.mp4", " b.mp4 ", "c.mp4"].map(|video| load_with(video).unwrap().shots.remove(0));
    let [a, b, c] = &shots;
    assert_eq!((a.fingerprint == b.fingerprint, a.fingerprint == c.fingerprint), (true, false));
    assert_eq!(canonical_wire(&a.request), canonical_wire(&b.request));
    assert_eq!(
        (&*a.request.files[0].param, a.request.files[0].kind),
        ("motion_video", FileKind::Video)
    );
    assert!(!a.request.json.contains("motion_video"));
    let told = load_with("big.mp4").unwrap_err().to_string();
    assert!(told.contains("big.mp4 is too big: 1 MB"), "{told}");
}

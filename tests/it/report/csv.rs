//! The report as CSV.

use rushes::report::csv::{is_ours, write};

use super::sample::{self, Sample};

fn written(sample: &Sample) -> String {
    let mut out = Vec::new();
    write(sample, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_row_a_shot_and_no_cell_is_a_formula() {
    let text = written(&Sample::mixed());
    let text = text.strip_prefix('\u{feff}').expect("the mark that Excel looks for");
    assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
    insta::assert_snapshot!(text.replace("\r\n", "\n"), @r"
    id,revision,current,state,model,task_id,price,attempts,urls,files,reason,submitted_at,completed_at,delivered_at,entry,variant,seconds,width,height,sound,mismatch,tags,prompt
    beach,1,true,delivered,kling-v3,task-1,0.3165,1,https://cdn.example/beach.mp4,clips/beach.mp4,,2026-11-22T21:30:00.000Z,2026-11-22T21:32:20.000Z,2026-11-22T21:32:30.000Z,beach,,,,,,,,
    alley,1,true,rendering,kling-v3,,0.3165,1,,,not done 2h after it was submitted,2026-11-22T21:30:00.000Z,,,alley,,,,,,,,
    cliff,1,true,rendering,kling-v3,,0.3165,1,,,,2026-11-22T21:30:00.000Z,,,cliff,,,,,,,,
    dunes,1,true,rendered,kling-v3,,0.3165,1,,,the host answered 403,2026-11-22T21:30:00.000Z,,,dunes,,,,,,,,
    fog,1,true,failed,kling-v3,,0.3165,1,,,'=cmd|' /C calc'!A0 Content policy,2026-11-22T21:30:00.000Z,,,fog,,,,,,,,
    forest,1,true,queued,kling-v3,,,0,,,,,,,forest,,,,,,,,
    beach,2,false,in_doubt,kling-v3,,0.3165,1,,,cut after 3 s,2026-11-22T21:30:00.000Z,,,beach,,,,,,,,
    ");
}

#[test]
fn facts_and_what_the_user_wrote_come_last_and_keep_every_letter() {
    let mut sample = Sample::mixed();
    sample.rows.truncate(1);
    let row = &mut sample.rows[0];
    row.request = serde_json::json!({
        "prompt": "=Äußerst\tschön,\n\"海辺\" 👩\u{200d}🚀\u{202e}\u{9b}",
        "sound": "on",
        "duration": "10",
    })
    .to_string();
    row.entry_id = Some("@beach".to_owned());
    row.variant = vec![("time".into(), "\"dusk\"".into()), ("take".into(), "2".into())];
    row.tags = vec!["+night".into(), "été".into()];
    row.files[0].clip_info = Some(sample::FOOTAGE);
    let text = written(&sample);
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(&csv.headers().unwrap()[22], "prompt");
    let cells = csv.records().next().unwrap().unwrap();
    let last: Vec<&str> = cells.iter().skip(14).collect();
    assert_eq!(
        last,
        [
            "'@beach",
            r#"{"time":"\"dusk\"","take":"2"}"#,
            "5",
            "1280",
            "720",
            "false",
            "asked for 10 s, got 5.0 s; asked for sound, got none",
            "'+night; été",
            "'=Äußerst schön, \"海辺\" 👩\u{200d}🚀",
        ]
    );
}

#[test]
fn a_report_is_known_again_and_nothing_else_is() {
    let text = written(&Sample::mixed());
    assert!(is_ours(text.as_bytes()));
    let before = "id,revision,current,state,model,task_id,price,attempts,urls,files,reason,\
         submitted_at,completed_at,delivered_at";
    assert!(is_ours(format!("{before}\nbeach").as_bytes()), "as the first version wrote it");
    for other in [
        String::new(),
        "id,model,prompt\r\n".to_owned(),
        format!("{before},my notes\r\n"),
        text.replace("prompt\r\n", "prompt,my notes\r\n"),
        text.replace(',', ";"),
        before.to_owned(),
    ] {
        assert!(!is_ours(other.as_bytes()), "{other}");
    }
}

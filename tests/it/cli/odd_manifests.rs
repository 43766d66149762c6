//! Pictures, parameters and cells as people have them: what is a mistake sends nothing, what is odd is
//! told before anything is bought.

use crate::sandbox::{Done, Sandbox};
use crate::support::Script;
use crate::support::pictures::drawn;

/// A campaign of these shots, with pictures as they are described.
fn campaign(shots: &[&str], pictures: &[&str]) -> Sandbox {
    let shots: Vec<_> = shots.iter().map(|shot| format!("  - {{{shot}}}\n")).collect();
    let sandbox = Sandbox::new().manifest(&format!("campaign: odd\nshots:\n{}", shots.concat()));
    for picture in pictures {
        let (name, described) = picture.split_once(' ').unwrap();
        std::fs::write(sandbox.path(name), drawn(described)).unwrap();
    }
    sandbox.var("KLING_API_KEY", "sk-live-0123456789")
}

/// A run of it is refused with all of these words, and nothing is sent.
fn refused(sandbox: &Sandbox, manifest: &str, words: &[&str]) {
    let server = Script::new().serve();
    let run = sandbox.run(["run", manifest, "--api-base", &server.url()]);
    words.iter().fold(run.exits(2), |run, word| run.warns(word));
    assert_eq!(server.asked().len(), 0, "nothing was sent");
}

/// Its plan warns with all of these words.
fn warned(sandbox: &Sandbox, words: &[&str]) -> Done {
    let plan = sandbox.run(["plan", "shots.yaml"]).exits(0);
    words.iter().fold(plan, |plan, word| plan.warns(word))
}

#[test]
fn field_16_a_picture_that_only_this_network_sees_is_a_mistake() {
    for (host, whose) in [
        ("127.0.0.1:8000", "127.0.0.1, which is this machine"),
        ("192.168.1.5", "192.168.1.5, which is in your own network"),
        ("localhost:8000", "localhost, which is this machine"),
        ("nas.local", "nas.local, which is in your own network"),
    ] {
        let image = format!("id: a, model: kling-v3, image: 'http://{host}/x.png'");
        let sandbox = campaign(&[&image], &[]);
        refused(
            &sandbox,
            "shots.yaml",
            &["the gateway cannot see", whose, "write the file's path"],
        );
        let motion = format!(
            "id: a, model: kling-motion-control, image: 'https://a.b/c.png', \
             motion_video: 'http://{host}/x.mp4'"
        );
        refused(&campaign(&[&motion], &[]), "shots.yaml", &["`motion_video`", whose]);
    }
}

#[test]
fn field_17_a_share_page_as_a_picture_is_warned_of() {
    for page in [
        "https://drive.google.com/file/d/1AbC-d/view?usp=sharing",
        "https://www.dropbox.com/s/1a/beach.png?dl=0",
    ] {
        let shot = format!("id: a, model: kling-v3, image: '{page}'");
        warned(&campaign(&[&shot], &[]), &["shots.yaml:3:", "a page that shows a file"]);
    }
}

#[test]
fn field_18_a_prompt_beside_the_parts_of_a_clip_is_dead_text() {
    let parts = "multi_prompt: [{index: 1, prompt: A, duration: '5'}]";
    let shot = "id: a, model: kling-v3, multi_shot: true, shot_type: customize";
    let sandbox = campaign(&[&format!("{shot}, prompt: A beach, {parts}")], &[]);
    warned(&sandbox, &["`prompt` has no effect beside `multi_prompt`"]);
    let plan = warned(&campaign(&[&format!("{shot}, {parts}")], &[]), &[]);
    assert!(!plan.stderr().contains("warning"), "{}", plan.stderr());
}

#[test]
fn field_19_a_picture_that_the_gateway_may_refuse_or_turn_is_warned_of() {
    let shot = "id: a, model: kling-v3, image: a.png";
    for (picture, words) in [
        ("a.png png 100x100", "100x100 pixels; the gateway is known to take at least 300"),
        ("a.png png 3000x400", "shapes from 1:2.5 to 2.5:1"),
        ("a.png jpeg 4032x3024 turned 6", "EXIF orientation 6"),
    ] {
        warned(&campaign(&[shot], &[picture]), &[words]);
    }
    let both = campaign(
        &["id: a, model: kling-v3, image: a.png, image_tail: b.png"],
        &["a.png png 1920x1080", "b.png png 1080x1920"],
    );
    warned(&both, &["`image_tail` has another shape than `image`"]);
}

#[test]
fn field_19_a_picture_that_is_cut_off_or_no_picture_is_a_mistake() {
    let shot = "id: a, model: kling-v3, image: a.jpg";
    for (picture, words) in [
        ("a.jpg png 1280x720 cut 60", "is cut off: the file ends before the picture does"),
        ("a.jpg heic", "is a HEIC photo"),
        ("a.jpg zeros", "as sync services leave them"),
    ] {
        refused(&campaign(&[shot], &[picture]), "shots.yaml", &["shots.yaml:3:", words]);
    }
}

#[test]
fn field_20_a_ratio_that_does_nothing_is_told_once_for_all_shots() {
    let shot = |id| format!("id: {id}, model: kling-v3, image: a.png, aspect_ratio: '16:9'");
    let shots = ["a", "b", "c"].map(shot);
    let sandbox = campaign(&shots.each_ref().map(String::as_str), &["a.png png 1920x1080"]);
    let words = ["has no effect beside `image`", "in shot `a` and 2 more"];
    let told = warned(&sandbox, &words).stderr();
    assert_eq!(told.matches("has no effect beside").count(), 1, "{told}");
}

#[test]
fn field_21_a_number_out_of_bounds_is_warned_of() {
    let shot = "id: a, model: kling-v3, prompt: A, cfg_scale: 7";
    warned(&campaign(&[shot], &[]), &["`cfg_scale` is 7; the gateway is known to take 0 to 1"]);
}

#[test]
fn field_22_what_a_spreadsheet_left_in_a_prompt_is_a_mistake() {
    for (cell, words) in [
        ("Loading...", "what a spreadsheet shows before it has the value"),
        ("#BEZUG!", "a formula's error"),
        ("x_x000D_y", "`_x000D_` is a character that an export could not write"),
        ("x_000D_y", "a character that an export could not write"),
    ] {
        let table = format!("id,model,prompt\na,kling-v3,{cell}\n");
        let sandbox = campaign(&[], &[]).file("shots.csv", &table);
        refused(&sandbox, "shots.csv", &["shots.csv:2:12", words]);
    }
    let twice = "id,model,prompt\na,kling-v3,A\nid,model,prompt\nb,kling-v3,B\n";
    let sandbox = campaign(&[], &[]).file("shots.csv", twice);
    refused(&sandbox, "shots.csv", &["shots.csv:3:1", "this row repeats the header"]);
}

#[test]
fn field_23_columns_that_nothing_uses_are_told_once_with_their_names() {
    let shot = "from: rows.csv, model: kling-v3, prompt: '{{ product }}'";
    let table = "id,product,owner,notes\na,A kettle,Bo,new\nb,A mug,Di,\n";
    let sandbox = campaign(&[shot], &[]).file("rows.csv", table);
    let told = warned(&sandbox, &["nothing uses the columns `owner`, `notes`"]).stderr();
    assert_eq!(told.matches("nothing uses").count(), 1, "{told}");
}

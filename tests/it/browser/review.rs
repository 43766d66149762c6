//! A morning: a storm's campaign is reviewed in two windows, an edited shot beside its old clip, and what
//! was decided is in the file when the program ends.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::driver::Browser;
use crate::sandbox::Sandbox;

const MORNING: &str = "\
campaign: morning
budget: 9
limits: {rate: 50/s, poll_every: 100ms, poll_rate: 200/s, in_flight: 24, submit_timeout: 1s,
         render_timeout: 20s}
defaults: {model: kling-v2-6, aspect_ratio: '16:9'}
shots:
  - {id: coat, prompt: A camel coat in a colonnade, takes: 3, tags: [hero, warm]}
  - {id: reel, prompt: 'A \"phone\" ad: 5 s', aspect_ratio: '9:16', takes: 2, extra: {seed: 7}}
  - {id: lane, prompt: A lane in the rain}
";

/// `rushes review`, ended with the test.
struct Review {
    child: Child,
    url: String,
}

impl Drop for Review {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Review {
    fn start(sandbox: &Sandbox) -> Self {
        let words = ["review", "shots.yaml", "--sim=flaky:3", "--serve", "127.0.0.1:0"];
        let out = File::create(sandbox.path("review.out")).unwrap();
        let mut child = sandbox.command(&words).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.strip_prefix("review: ")?.to_owned())).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// Ctrl-C; what it prints.
    fn end(mut self, sandbox: &Sandbox) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        std::fs::read_to_string(sandbox.path("review.out")).unwrap()
    }
}

fn render(sandbox: &Sandbox) {
    for _ in 0..4 {
        if sandbox.run(["run", "shots.yaml", "--sim=flaky:3", "--retry-failed"]).code() == Some(0) {
            return;
        }
    }
    panic!("not rendered");
}

/// Trial 21.
#[tokio::test(flavor = "multi_thread")]
async fn clips_are_reviewed_in_two_windows_and_what_was_decided_is_kept() {
    let sandbox = Sandbox::new().manifest(MORNING);
    render(&sandbox);
    let review = Review::start(&sandbox);
    let one = Browser::open(1300, 900).await;
    let two = Browser::open(390, 844).await;
    for window in [&one, &two] {
        window.goto(&review.url).await;
        window.until("document.querySelectorAll('.card').length === 6").await;
    }
    decides(&one, &two).await;
    an_edited_shot_stands_beside_its_old_clip(&one, &sandbox).await;
    again_is_the_same_request_under_another_name(&one, &sandbox).await;
    one.close().await;
    two.close().await;
    let said = review.end(&sandbox);
    insta::assert_snapshot!(said, @r"
    2 picks, 1 rejected, 1 note: renders/morning.sim/review.json
    for an editor: rushes export shots.yaml --picks renders/morning.sim/review.json --format otio --to morning.otio --sim=flaky:3
    ");
    let kept = std::fs::read_to_string(sandbox.path("renders/morning.sim/review.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let of = |id: &str, revision: u32| {
        let all = kept["shots"].as_array().unwrap().iter();
        let mut found = all.filter(|it| it["id"] == id && it["revision"] == revision);
        found.next().cloned().unwrap_or_default()
    };
    let coat = of("coat-t2", 1);
    assert_eq!((&coat["pick"], &coat["rating"]), (&json!(true), &json!(5)));
    assert_eq!(coat["note"], "the collar\nsits");
    assert_eq!(of("coat", 1)["rejected"], true);
    assert_eq!((&of("lane", 1)["pick"], &of("lane", 2)["pick"]), (&json!(true), &Value::Null));
}

async fn decides(one: &Browser, two: &Browser) {
    one.js("document.querySelector('[data-key=coat-t2] .media').focus()").await;
    one.press("f").await;
    one.press("5").await;
    two.until(
        "document.querySelector('[data-key=coat-t2] .marks')?.textContent.includes('picked')",
    )
    .await;
    two.until("document.querySelector('[data-key=coat-t2] .marks')?.textContent.includes('5/5')")
        .await;
    // Rejected in the other window, after it was picked there.
    two.js("document.querySelector('[data-key=coat] [data-does=pick]').click()").await;
    two.js("document.querySelector('[data-key=coat] [data-does=rejected]').click()").await;
    one.until("document.querySelector('[data-key=coat].is-rejected .marks')?.textContent.includes('rejected')").await;
    assert_eq!(one.js("return picks().map((shot) => shot.key)").await, json!(["coat-t2"]));
    one.press("n").await;
    one.until("document.activeElement.matches('#detail textarea.note')").await;
    one.press("the collar").await;
    one.press("\u{e007}").await;
    one.press("sits").await;
    one.js("document.activeElement.blur()").await;
    two.until("verdict(shots.get('coat-t2')).note === 'the collar\\nsits'").await;
    one.press("\u{e00c}").await;
    one.until("!document.getElementById('detail').open").await;
    // Nothing of it is kept in the browser: a fresh window knows the same.
    one.js("location.reload()").await;
    one.until("document.querySelector('#stars b').textContent === '1'").await;
    assert_eq!(one.js("return localStorage.length").await, 0);
}

/// While the page is open, a shot is edited and rendered anew: the old clip stays beside the new one.
async fn an_edited_shot_stands_beside_its_old_clip(one: &Browser, sandbox: &Sandbox) {
    one.js("document.querySelector('[data-key=lane] [data-does=pick]').click()").await;
    one.until("document.querySelector('#stars b').textContent === '2'").await;
    let edited = MORNING.replace("in the rain", "in the snow");
    std::fs::write(sandbox.path("shots.yaml"), edited).unwrap();
    render(sandbox);
    one.until("shots.size === 7 && document.querySelectorAll('.card').length === 7").await;
    // The pick was of the old clip, and stays with it.
    one.until("document.querySelector('[data-key=\"lane~r1\"].is-picked')").await;
    assert_eq!(one.js("return verdict(shots.get('lane')).pick").await, json!(false));
    let beside = "return [...document.querySelector('[data-key=lane]').parentElement.children]
        .map((card) => card.dataset.key)";
    assert_eq!(one.js(beside).await, json!(["lane", "lane~r1"]));
    one.until("document.querySelector('[data-key=\"lane~r1\"] video').readyState >= 2").await;
    one.click("[data-key=lane] .media").await;
    one.until("document.querySelector('#detail .version')").await;
    let told = one.js("return document.querySelector('#detail .version').innerText").await;
    let told = told.as_str().unwrap();
    assert!(told.contains("A lane in the rain") && told.contains("A lane in the snow"), "{told}");
    one.press("c").await;
    one.until("document.querySelectorAll('#compare video').length === 2").await;
    one.press("\u{e00c}").await;
    one.until("!document.getElementById('compare').open").await;
    // Earlier clips are no shots of the campaign.
    assert_eq!(
        one.js("return document.getElementById('sum').textContent.split(' ')[0]").await,
        "6"
    );
}

/// The lines that the page gives, put under `shots:`, ask for exactly what the clip was made of.
async fn again_is_the_same_request_under_another_name(one: &Browser, sandbox: &Sandbox) {
    one.js("document.querySelector('[data-key=reel-t2] .media').focus()").await;
    one.press("e").await;
    one.until("document.getElementById('again-lines')").await;
    let lines = one.js("return document.getElementById('again-lines').value").await;
    let with = format!("{MORNING}{}\n", lines.as_str().unwrap());
    std::fs::write(sandbox.path("shots.yaml"), with).unwrap();
    let plan = ["plan", "shots.yaml", "--sim=flaky:3", "--format", "json"];
    let plan = sandbox.run(plan).exits(0).stdout_json();
    let request = |id: &str| {
        let all = plan["shots"].as_array().unwrap().iter();
        all.filter(|shot| shot["id"] == id).map(|shot| shot["request"].clone()).next().unwrap()
    };
    assert_eq!(request("reel-t2-again"), request("reel-t2"));
    one.js("const p = document.getElementById('again-prompt'); p.value = 'x: \"y\"'; p.dispatchEvent(new Event('input'))").await;
    let edited = one.js("return document.getElementById('again-lines').value").await;
    assert!(edited.as_str().unwrap().contains(r#"prompt: "x: \"y\"""#), "{edited}");
    one.press("\u{e00c}").await;
}

//! The sheet of a finished stormy campaign, opened from the file system.

use serde_json::{Value, json};

use super::driver::Browser;
use crate::sandbox::Sandbox;

/// 24 shots of two models, with takes, a matrix and tags.
const STORMY: &str = "\
campaign: stormy
budget: 9
limits: {rate: 50/s, poll_every: 100ms, poll_rate: 200/s, in_flight: 24, submit_timeout: 1s,
         render_timeout: 20s}
defaults: {model: kling-v2-6, aspect_ratio: '16:9'}
shots:
  - {id: coat, prompt: A camel coat in a colonnade, takes: 3, tags: [hero, warm]}
  - {id: dress, prompt: 'A dress at {{ light }}', matrix: {light: [dawn, noon, dusk]}, tags: [hero]}
  - {id: runway, model: kling-v3, mode: pro, duration: 8, sound: on, prompt: The finale}
  - id: detail
    prompt: 'Macro of a {{ thing }}'
    matrix: {thing: [button, collar, cuff, hem, label, lining, loop, pocket, seam, snap, strap, tab,
                     tie, toggle, trim, yoke, zip]}
";

/// Runs it until nothing more comes of it; answers the report.
fn storm(sandbox: &Sandbox) -> Value {
    let words = ["run", "shots.yaml", "--sim=storm:11", "--retry-failed"];
    for _ in 0..3 {
        sandbox.run(words);
    }
    let report = sandbox.run(["report", "shots.yaml", "--sim=storm:11", "--format", "json"]);
    serde_json::from_str(&report.exits(0).stdout()).unwrap()
}

fn ids(report: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let shots = report["shots"].as_array().unwrap();
    shots
        .iter()
        .filter(|shot| wanted(shot))
        .map(|shot| shot["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_finds_plays_compares_and_picks_clips_in_the_morning() {
    let sandbox = Sandbox::new().manifest(STORMY);
    let report = storm(&sandbox);
    let all = ids(&report, |_| true);
    let delivered = ids(&report, |shot| shot["state"] == "delivered");
    assert!(delivered.len() > 12 && delivered.len() < all.len(), "a storm, not a calm: {report}");
    let browser = Browser::open(1300, 900).await;
    browser.file(&sandbox.path("renders/stormy.sim/contact-sheet.html")).await;
    browser.until("document.querySelectorAll('.card').length === 24").await;

    everything_is_there(&browser, &report).await;
    a_clip_plays_under_the_pointer(&browser, &delivered[0]).await;
    filters_and_sorts(&browser, &report, &delivered).await;
    takes_play_side_by_side(&browser).await;
    details_by_keyboard(&browser).await;
    favourites_become_a_pattern(&browser, &sandbox).await;
    browser.close().await;
}

async fn everything_is_there(browser: &Browser, report: &Value) {
    let text = browser.text().await;
    let money = &report["money"];
    for said in ["stormy", "24 shots", "simulator", "spent of $9.00"] {
        assert!(text.contains(said), "{said:?} is missing in\n{text}");
    }
    let spent = browser.js("return document.getElementById('spent').title").await;
    assert_eq!(spent, format!("${} spent", money["spent"].as_str().unwrap()));
    let mut cards = browser.cards().await;
    cards.sort();
    let mut all = ids(report, |_| true);
    all.sort();
    assert_eq!(cards, all);
    browser.click("#books summary").await;
    let books = browser.js("return document.getElementById('ledger').innerText").await;
    for said in ["kling-v2-6", "kling-v3", "hero", "warm"] {
        assert!(books.as_str().unwrap().contains(said), "{said:?} is missing in {books}");
    }
    assert_eq!(browser.js("return document.querySelectorAll('.chart path').length").await, 2);
    let need = browser.js("return document.getElementById('needs').textContent").await;
    assert!(need.as_str().unwrap().contains("rushes resolve shots.yaml"), "{need}");
}

async fn a_clip_plays_under_the_pointer(browser: &Browser, id: &str) {
    let film = format!("document.querySelector('[data-key=\"{id}\"] video')");
    // Its first picture is there before anybody points at it.
    browser.until(&format!("{film}.readyState >= 2")).await;
    assert_eq!(browser.js(&format!("return {film}.paused")).await, json!(true));
    browser.point_at(&format!("[data-key=\"{id}\"] .media")).await;
    browser.until(&format!("!{film}.paused && {film}.currentTime > 0.3")).await;
    let playing =
        "return [...document.querySelectorAll('video')].filter((film) => !film.paused).length";
    assert_eq!(browser.js(playing).await, 1);
    browser.point_at("h1").await;
    browser.until(&format!("{film}.paused")).await;
}

async fn filters_and_sorts(browser: &Browser, report: &Value, delivered: &[String]) {
    browser.click("#states [data-state=delivered]").await;
    browser
        .until(&format!("document.querySelectorAll('.card').length === {}", delivered.len()))
        .await;
    // The choice survives a reload.
    browser.js("location.reload()").await;
    browser
        .until(&format!("document.querySelectorAll('.card').length === {}", delivered.len()))
        .await;
    browser.click("#states [data-state=delivered]").await;
    browser.until("document.querySelectorAll('.card').length === 24").await;

    browser.type_into("#find", "MACRO of a zip").await;
    browser.until("document.querySelectorAll('.card').length === 1").await;
    assert_eq!(browser.cards().await, ["detail-zip"]);
    browser.js("const f = document.getElementById('find'); f.value = 'no such thing'; f.dispatchEvent(new Event('input'))").await;
    browser.until("document.querySelectorAll('.card').length === 0").await;
    browser.click(".empty button").await;
    browser.until("document.querySelectorAll('.card').length === 24").await;

    let choose = async |id: &str, value: &str| {
        let body = format!(
            "const s = document.getElementById('{id}'); s.value = '{value}'; s.dispatchEvent(new Event('change'))"
        );
        browser.js(&body).await;
    };
    choose("tag", "hero").await;
    browser.until("document.querySelectorAll('.card').length === 6").await;
    choose("tag", "").await;
    choose("model", "kling-v3").await;
    browser.until("document.querySelectorAll('.card').length === 1").await;
    choose("model", "").await;
    choose("group", "none").await;
    choose("sort", "price").await;
    assert_eq!(browser.cards().await[0], "runway", "the dearest");
    choose("sort", "name").await;
    let mut names = ids(report, |_| true);
    names.sort();
    assert_eq!(browser.cards().await, names);
    choose("sort", "manifest").await;
    assert_eq!(browser.cards().await, ids(report, |_| true));
    choose("group", "together").await;
}

async fn takes_play_side_by_side(browser: &Browser) {
    browser.until("document.querySelector('.together .group-head')").await;
    let heads = browser
        .js("return [...document.querySelectorAll('.together h2')].map((h) => h.textContent)")
        .await;
    assert_eq!(heads, json!(["coat", "dress", "detail"]));
    browser.click(".together .group-head button").await;
    browser.until("document.getElementById('compare').open").await;
    let films = "[...document.querySelectorAll('#compare video')]";
    let there = browser.js(&format!("return {films}.length")).await.as_u64().unwrap();
    assert!((1..=3).contains(&there));
    assert_eq!(browser.js("return document.querySelectorAll('#compare figure').length").await, 3);
    browser.press(" ").await;
    let all = |what: &str| format!("{films}.filter((film) => {what}).length === {there}");
    browser.until(&all("!film.paused && film.currentTime > 0.1")).await;
    browser.press(" ").await;
    browser.until(&all("film.paused")).await;
    browser.press("\u{e00c}").await;
    browser.until("!document.getElementById('compare').open").await;
}

/// Enter, arrows, F, Escape.
async fn details_by_keyboard(browser: &Browser) {
    browser.js("document.querySelector('[data-key=coat] .media').focus()").await;
    browser.press("\u{e007}").await;
    browser.until("document.getElementById('detail').open").await;
    let title = "document.getElementById('detail-title').textContent";
    assert_eq!(browser.js(&format!("return {title}")).await, "coat");
    let facts = browser.js("return document.querySelector('#detail .facts').innerText").await;
    for said in ["A camel coat in a colonnade", "kling-v2-6", "$0.0159"] {
        assert!(facts.as_str().unwrap().contains(said), "{said:?} is missing in {facts}");
    }
    browser.press("\u{e014}").await;
    browser.until(&format!("{title} === 'coat-t2'")).await;
    browser.press("f").await;
    browser.until("document.querySelector('#stars b').textContent === '1'").await;
    browser.press("\u{e00c}").await;
    browser.until("!document.getElementById('detail').open").await;
}

async fn favourites_become_a_pattern(browser: &Browser, sandbox: &Sandbox) {
    browser.point_at("[data-key=dress-noon]").await;
    browser.click("[data-key=dress-noon] .star").await;
    browser.js("location.reload()").await;
    browser.until("document.querySelector('#stars b').textContent === '2'").await;
    browser.click("#stars").await;
    browser.until("document.querySelectorAll('.card').length === 2").await;
    browser.click("#export").await;
    let ids = browser.js("return document.getElementById('ids').value").await;
    assert_eq!(ids, "coat-t2\ndress-noon");
    let command = browser.js("return document.querySelector('#choice code').textContent").await;
    let command = command.as_str().unwrap();
    assert_eq!(command, "rushes plan shots.yaml --only '{coat-t2,dress-noon}' --sim=storm:11");
    let pattern = command.split('\'').nth(1).unwrap();
    let plan = ["plan", "shots.yaml", "--sim=storm:11", "--format", "json", "--only", pattern];
    let plan: Value = serde_json::from_str(&sandbox.run(plan).exits(0).stdout()).unwrap();
    assert_eq!(self::ids(&plan, |_| true), ["coat-t2", "dress-noon"]);
}

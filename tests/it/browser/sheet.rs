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
    picks_become_an_export(&browser).await;
    favourites_of_older_pages_are_picks(&browser).await;
    the_first_clips_are_seen_at_once(&sandbox).await;
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
    browser.press("4").await;
    browser
        .until("document.querySelectorAll('#detail .dot[aria-pressed=true]').length === 4")
        .await;
    browser.press("\u{e00c}").await;
    browser.until("!document.getElementById('detail').open").await;
}

/// Trial 21: picks stay in the browser of a page without a server, and end in the export command.
async fn picks_become_an_export(browser: &Browser) {
    browser.point_at("[data-key=dress-noon]").await;
    browser.click("[data-key=dress-noon] [data-does=pick]").await;
    browser.js("location.reload()").await;
    browser.until("document.querySelector('#stars b').textContent === '2'").await;
    browser
        .until("document.querySelector('[data-key=coat-t2] .marks')?.textContent.includes('4/5')")
        .await;
    browser.click("#stars").await;
    browser.until("document.querySelectorAll('.card').length === 2").await;
    browser.click("#export").await;
    let ids = browser.js("return document.getElementById('ids').value").await;
    assert_eq!(ids, "coat-t2\ndress-noon");
    let command =
        browser.js("return document.querySelector('#export-line code').textContent").await;
    assert_eq!(
        command,
        "rushes export shots.yaml --picks renders/stormy.sim/review.json --format otio --to stormy.otio --sim=storm:11"
    );
    let kept = browser.js("return reviewFile()").await;
    let kept: Value = serde_json::from_str(kept.as_str().unwrap()).unwrap();
    let picked = kept["shots"].as_array().unwrap().iter().filter(|shot| shot["pick"] == true);
    assert_eq!(picked.count(), 2, "{kept}");
    browser.press("\u{e00c}").await;
    browser.click("#stars").await;
    browser.until("document.querySelectorAll('.card').length === 24").await;
}

async fn favourites_of_older_pages_are_picks(browser: &Browser) {
    browser
        .js("localStorage.clear();
             localStorage.setItem('rushes favourites stormy sim', '[\"runway\", \"coat\", \"gone\"]')")
        .await;
    browser.js("location.reload()").await;
    browser.until("document.querySelector('#stars b').textContent === '2'").await;
    assert_eq!(
        browser.js("return picks().map((shot) => shot.key).sort()").await,
        json!(["coat", "runway"])
    );
    let left = browser.js("return localStorage.getItem('rushes favourites stormy sim')").await;
    assert_eq!(left, "[\"gone\"]");
}

/// Trial 23: on a phone and on a desk the first clip begins in the upper part of the window, nothing is
/// wider than the window, and pick and export are in it.
async fn the_first_clips_are_seen_at_once(sandbox: &Sandbox) {
    for (width, height, most) in [(390, 844, 0.40), (1440, 900, 0.36)] {
        let browser = Browser::open(width, height).await;
        browser.file(&sandbox.path("renders/stormy.sim/contact-sheet.html")).await;
        browser.until("document.querySelectorAll('.card').length === 24").await;
        let top =
            "return document.querySelector('.media').getBoundingClientRect().top / innerHeight";
        let top = browser.js(top).await.as_f64().unwrap();
        assert!(top < most, "the first clip begins at {top} of {width} x {height}");
        // As if there were shots in every state: the chips scroll by themselves.
        let chips = "const all = document.getElementById('states');
            for (let n = 0; n < 3; n += 1) all.append(...[...all.children].map((chip) => chip.cloneNode(true)))";
        browser.js(chips).await;
        let wide = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.js(wide).await, json!(true), "{width}");
        for id in ["stars", "export"] {
            let seen = format!(
                "const b = document.getElementById('{id}').getBoundingClientRect();
                 return b.width > 0 && b.right <= innerWidth && b.bottom < innerHeight"
            );
            assert_eq!(browser.js(&seen).await, json!(true), "{id} at {width}");
        }
        browser.close().await;
    }
}

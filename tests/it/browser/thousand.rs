//! A thousand shots on one page. What it weighs and how soon it is seen is printed, not judged.
#![expect(clippy::print_stdout, reason = "what was asked for by hand")]

use std::fmt::Write as _;

use super::driver::Browser;
use crate::sandbox::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_shots_are_one_page_of_which_only_what_is_seen_is_loaded() {
    let mut manifest = "campaign: thousand\n\
        limits: {rate: 5000/s, poll_every: 100ms, poll_rate: 5000/s, in_flight: 1000}\n\
        defaults: {model: kling-v2-6, aspect_ratio: '16:9'}\nshots:\n"
        .to_owned();
    for i in 0..1000 {
        writeln!(
            manifest,
            "  - {{id: s{i}, prompt: 'Number {i}: a street in the rain at night, neon signs, slow \
             pan to the left, 35 mm film', tags: [t{}]}}",
            i % 7
        )
        .unwrap();
    }
    let sandbox = Sandbox::new().manifest(&manifest);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let page = sandbox.path("renders/thousand.sim/contact-sheet.html");
    let browser = Browser::open(1400, 900).await;
    browser.file(&page).await;
    browser.until("performance.getEntriesByName('first-contentful-paint').length").await;
    let paint = "return performance.getEntriesByName('first-contentful-paint')[0].startTime";
    println!(
        "1000 shots: {} kB, seen after {:.0} ms",
        page.metadata().unwrap().len() / 1000,
        browser.js(paint).await.as_f64().unwrap()
    );
    // Not more cards than somebody may look at, and a film only where somebody looks.
    let cards = browser.cards().await;
    assert!(cards.len() < 400 && cards[0] == "s0", "{}", cards.len());
    let loaded = "[...document.querySelectorAll('video[src]')].length";
    browser
        .until(&format!("{loaded} > 3 && document.querySelector('video').readyState >= 2"))
        .await;
    let few = browser.js(&format!("return {loaded}")).await.as_u64().unwrap();
    assert!(few < 60, "{few} films are loaded");
    // Down to the last one, and the first are let go.
    browser
        .until(
            "(scrollTo(0, document.body.scrollHeight), \
             document.querySelectorAll('.card').length === 1000)",
        )
        .await;
    browser.until("document.querySelector('[data-key=s999] video').readyState >= 2").await;
    browser.until("!document.querySelector('[data-key=s0] video').hasAttribute('src')").await;
    let few = browser.js(&format!("return {loaded}")).await.as_u64().unwrap();
    assert!(few < 100, "{few} films are loaded");
    browser.close().await;
}

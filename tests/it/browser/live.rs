//! A run followed from its first request to its last clip, without ever loading the page again.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::json;

use super::driver::Browser;
use crate::sandbox::Sandbox;

const SLOW: &str = "\
campaign: slow
budget: 5
limits: {rate: 2/s, poll_every: 200ms, poll_rate: 100/s, in_flight: 2}
defaults: {model: kling-v2-6, prompt: A street in the rain}
shots:
  - {id: take, takes: 8}
";

/// A run of its own, ended with the test.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Run {
    /// Starts it; answers the page's address as it was printed.
    fn serving(sandbox: &Sandbox) -> (Self, String) {
        let mut command =
            sandbox.command(&["run", "shots.yaml", "--sim", "--serve", "127.0.0.1:0"]);
        let mut run = Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(run.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("http://")?.1.trim().to_owned()));
        // Somebody must go on reading what it says.
        std::thread::spawn(move || lines.for_each(drop));
        (run, format!("http://{}", url.unwrap()))
    }

    fn exits(&mut self, code: i32) {
        assert_eq!(self.0.wait().unwrap().code(), Some(code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_watched_paused_resumed_and_seen_to_its_end() {
    let sandbox = Sandbox::new().manifest(SLOW);
    let (mut run, url) = Run::serving(&sandbox);
    let browser = Browser::open(1300, 900).await;
    browser.goto(&url).await;
    // What would be lost if the page were loaded again.
    browser.js("window.kept = true").await;
    let states = "[...shots.values()].map((shot) => shot.state)";
    browser.until(&format!("{states}.some((state) => state === 'rendering')")).await;
    browser.until("document.querySelectorAll('.card').length === 8").await;
    browser.until("document.querySelectorAll('.card.is-delivered').length >= 1").await;

    browser.until("document.querySelector('.run-running')").await;
    // Trial 9: for how long, and about until when.
    let time = "document.getElementById('lasts').textContent";
    browser.until(&format!("/^Running for \\d+s · ends about /.test({time})")).await;
    browser.js("[...document.querySelectorAll('#controls button')][0].click()").await;
    browser.until("document.querySelector('.run-paused')").await;
    // What is on its way is finished, and nothing new begins.
    browser
        .until(&format!("{states}.every((state) => ['delivered', 'queued'].includes(state))"))
        .await;
    let queued = browser.js(&format!("return {states}.filter((s) => s === 'queued').length")).await;
    assert!(queued.as_u64().unwrap() > 0, "it was paused before its end");
    browser.js("[...document.querySelectorAll('#controls button')][0].click()").await;

    browser.until("document.querySelector('.run-ended')").await;
    browser.until("document.querySelectorAll('.card.is-delivered').length === 8").await;
    browser.until(&format!("{time}.startsWith('It lasted ')")).await;
    browser.until("document.getElementById('sum').textContent.includes('8 delivered')").await;
    assert_eq!(browser.js("return window.kept").await, json!(true));
    says_that_it_ended(&browser, &sandbox).await;
    let spent = browser.js("return document.getElementById('spent').title").await;
    assert_eq!(spent, "$0.1272 spent");
    run.exits(0);
    browser.close().await;
}

/// Trial 22: the page no longer says that it is live, and where everything is now.
async fn says_that_it_ended(browser: &Browser, sandbox: &Sandbox) {
    let kind = browser.js("return document.getElementById('kind').textContent").await;
    assert!(kind.as_str().unwrap().contains("Ended") && !kind.as_str().unwrap().contains("Live"));
    let told = browser.js("return document.getElementById('controls').textContent").await;
    let told = told.as_str().unwrap().to_owned();
    let sheet = sandbox.path("renders/slow.sim/contact-sheet.html").display().to_string();
    assert!(told.contains("The run has ended") && told.contains(&sheet), "{told}");
    assert!(told.contains("rushes review shots.yaml --sim"), "{told}");
    let buttons = "return [...document.querySelectorAll('.controls button')].length";
    assert_eq!(browser.js(buttons).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_plays_while_the_run_goes_on_and_stop_ends_it() {
    // Longer than the test takes on a busy machine: it is stopped.
    let sandbox = Sandbox::new().manifest(&SLOW.replace("takes: 8", "takes: 60"));
    let (mut run, url) = Run::serving(&sandbox);
    let browser = Browser::open(1300, 900).await;
    browser.goto(&url).await;
    browser.point_at(".card.is-delivered .media").await;
    browser.until("[...document.querySelectorAll('video')].some((film) => !film.paused && film.currentTime > 0.2)").await;
    browser.js("window.confirm = () => true").await;
    browser.js("[...document.querySelectorAll('#controls button')][1].click()").await;
    browser.until("document.querySelector('.run-ended')").await;
    run.exits(130);
    browser.close().await;
}

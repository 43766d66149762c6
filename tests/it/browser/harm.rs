//! What a manifest and a gateway say to a browser stays text.

use serde_json::{Value, json};

use super::driver::Browser;
use crate::sandbox::Sandbox;
use crate::security::{bought, envelope};
use crate::support::Script;

/// In HTML as text, attribute, comment and script; for a terminal; and for who reads backwards.
const HARM: &str = "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=1>\
    \"'><svg onload=window.harmed=1>--><!--\u{1b}[31m\u{1b}]0;owned\u{7}\u{202e}{{7*7}}${1}";

#[tokio::test(flavor = "multi_thread")]
async fn script_tags_and_escapes_in_prompts_and_reasons_do_nothing() {
    // YAML and templates have a say about what may stand in a prompt.
    let prompt = HARM.replace(['\u{1b}', '\u{7}'], "").replace("{{7*7}}", "");
    let manifest = json!({
        "campaign": "harm", "budget": 5,
        "limits": {"rate": "50/s", "poll_every": "50ms", "poll_rate": "50/s", "attempts": 1},
        "shots": [{"id": "beach", "model": "kling-v3", "prompt": prompt, "tags": ["<b>tag</b>"]},
                  {"id": "alley", "model": "kling-v3", "prompt": "An alley"}],
    });
    let sandbox = Sandbox::new()
        .manifest(&manifest.to_string())
        .var("KLING_API_KEY", "sk-live-0123456789abcdef");
    let server = Script::new()
        .on(|request| {
            let failed = json!({"state": "failed", "failMsg": HARM});
            (request.method == "GET").then(|| envelope(200, HARM, &failed))
        })
        .post(bought("task-<script>window.harmed=1</script>"))
        .serve();
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    sandbox.run(run).exits(1);
    // Who decides may write anything, too.
    let note = json!({"rushes_review": 1, HARM: HARM, "shots": [
        {"id": "beach", "revision": 1, "pick": true, "note": HARM, HARM: HARM}]});
    std::fs::write(sandbox.path("renders/harm/review.json"), note.to_string()).unwrap();
    let report = ["report", "shots.yaml", "--format", "html"];
    sandbox.run(report).exits(0);
    let browser = Browser::open(1200, 900).await;
    browser.file(&sandbox.path("renders/harm/contact-sheet.html")).await;
    browser.until("document.querySelectorAll('.card').length === 2").await;
    let note = browser.js("return verdict(shots.get('beach')).note").await;
    assert!(note.as_str().unwrap().contains("</script><script>window.harmed=1</script>"));
    browser.click("[data-key=beach] .media").await;
    browser.until("document.getElementById('detail').open").await;
    for shown in [
        "document.querySelector('[data-key=beach]').closest('.group')",
        "document.getElementById('detail')",
    ] {
        let text = browser.js(&format!("return {shown}.textContent")).await;
        let text = text.as_str().unwrap();
        let told = text.matches("</script><script>window.harmed=1</script>").count();
        assert!(told >= 2, "prompt and reason are shown as they are: {text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
    let facts = browser.js("return document.querySelector('#detail .facts').textContent").await;
    assert!(facts.as_str().unwrap().contains("task-<script>window.harmed=1</script>"));
    let made = "return [window.harmed, document.querySelectorAll('img, svg[onload], b.tag').length,
                document.querySelectorAll('script').length]";
    assert_eq!(browser.js(made).await, json!([Value::Null, 0, 3]));
    // Even a script that got in would not run.
    browser
        .js("const s = document.createElement('script'); s.textContent = 'window.harmed=2';
                document.body.append(s)")
        .await;
    assert_eq!(browser.js("return window.harmed").await, Value::Null);
    browser.close().await;
}

//! A browser for one test, gone when dropped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

/// How long something on a page is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser window and the driver behind it.
pub struct Browser {
    driver: WebDriver,
    // Dropped after the window: it ends the browser whatever happened.
    _process: Process,
    _profile: tempfile::TempDir,
}

/// The driver's process and, in its group, the browser's.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Opens a window of so many pixels.
    pub async fn open(width: u32, height: u32) -> Self {
        use std::os::unix::process::CommandExt as _;
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", profile.path())
            .env("HOME", profile.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is needed: bash tests/all.sh installs it");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let process = Process(process);
        // `ChromeDriver was started successfully on port 40123.`
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_suffix('.')?.rsplit_once("on port ")?.1.parse::<u16>().ok())
            .expect("chromedriver says its port");
        let mut wanted = DesiredCapabilities::chrome();
        for word in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--autoplay-policy=no-user-gesture-required",
        ] {
            wanted.add_arg(word).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().join("p").display())).unwrap();
        wanted.add_arg(&format!("--window-size={width},{height}")).unwrap();
        // Its client wants one, though it speaks no TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await.unwrap();
        Self { driver, _process: process, _profile: profile }
    }

    /// Opens a page and collects what goes wrong on it from then on.
    pub async fn goto(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Opens a file.
    pub async fn file(&self, path: &Path) {
        self.goto(&format!("file://{}", path.display())).await;
    }

    /// What a function's body returns.
    pub async fn js(&self, body: &str) -> Value {
        self.driver.execute(body, vec![]).await.unwrap().json().clone()
    }

    /// Waits until a JavaScript expression is true.
    pub async fn until(&self, expression: &str) {
        let began = Instant::now();
        loop {
            let found = self.js(&format!("return Boolean({expression})")).await;
            if found == json!(true) {
                return;
            }
            let text: String = self.text().await.chars().take(2000).collect();
            assert!(began.elapsed() < PATIENCE, "never true: {expression}\n{text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for an element.
    pub async fn find(&self, css: &str) -> WebElement {
        self.until(&format!("document.querySelector({})", json!(css))).await;
        self.driver.find(By::Css(css)).await.unwrap()
    }

    /// Clicks on an element as a mouse does.
    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Moves the mouse onto an element.
    pub async fn point_at(&self, css: &str) {
        let element = self.find(css).await;
        element.scroll_into_view().await.unwrap();
        self.driver.action_chain().move_to_element_center(&element).perform().await.unwrap();
    }

    /// Types.
    pub async fn type_into(&self, css: &str, text: &str) {
        self.find(css).await.send_keys(text).await.unwrap();
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: &str) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Everything to be read.
    pub async fn text(&self) -> String {
        self.js("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// The names on the cards, from the first on.
    pub async fn cards(&self) -> Vec<String> {
        let keys = "return [...document.querySelectorAll('.card')].map((card) => card.dataset.key)";
        serde_json::from_value(self.js(keys).await).unwrap()
    }

    /// Closes the window.
    pub async fn close(self) {
        self.driver.clone().quit().await.unwrap();
    }
}

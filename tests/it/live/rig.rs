//! A page beside the ledger of a campaign that was rendered, with nobody running.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rushes::blocking::Threads;
use rushes::clips::{ClipStore, FolderStore};
use rushes::domain::shot::Shot;
use rushes::policy::limits::{Rate, Window};
use rushes::review::Reviews;
use rushes::scheduler::{CancelToken, Metrics, PauseSwitch, Progress};
use rushes::server::{CampaignView, LivePage, Port, RunView, Wish};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::client::Site;
use crate::scheduler::stage::{Puppet, Stage};

pub struct Rig {
    pub site: Site,
    pub folder: PathBuf,
    pub progress: watch::Sender<Progress>,
    pub pause: PauseSwitch,
    pub stop: CancelToken,
    live: Option<LivePage>,
    runtime: Runtime,
    _stage: Stage,
}

impl Rig {
    pub fn new(shots: &[Shot]) -> Self {
        Self::at("127.0.0.1:0", shots)
    }

    /// With its page at an address; the shots are rendered.
    pub fn at(address: &str, shots: &[Shot]) -> Self {
        Self::placed(address, shots, false, true)
    }

    /// The page asks a store for clips, as it asks a bucket, and not the folder.
    pub fn in_store(shots: &[Shot]) -> Self {
        Self::placed("127.0.0.1:0", shots, true, true)
    }

    /// The page of no run, as `rushes review` serves it.
    pub fn without_run(shots: &[Shot]) -> Self {
        Self::placed("127.0.0.1:0", shots, false, false)
    }

    fn placed(address: &str, shots: &[Shot], in_store: bool, with_run: bool) -> Self {
        let runtime = Runtime::new().unwrap();
        let (stage, port, live, site, view) = runtime.block_on(async {
            let mut stage = Stage::new();
            stage.options.limits.poll_every = Duration::from_millis(10);
            let fast = Rate { count: 10_000, window: Window::Second };
            (stage.options.limits.rate, stage.options.limits.poll_rate) = (fast, fast);
            stage.run(shots, &Arc::new(Puppet::default())).await;
            let port: Port = address.parse::<Wish>().unwrap().take().await.unwrap();
            let site = Site::at(&port.url());
            let (sender, progress) = watch::channel(Progress::default());
            let folder = stage.ledger().parent().unwrap().to_owned();
            let run = RunView {
                progress,
                rate: Rate { count: 2, window: Window::Second },
                stop: CancelToken::default(),
                pause: PauseSwitch::default(),
                metrics: Arc::new(Metrics::default()),
            };
            let reviews = Reviews::open(&folder, "summer").unwrap();
            let view = CampaignView {
                ledger: rushes::ledger::LedgerAddress::file(stage.ledger()),
                again: Arc::new(|verb, rest| format!("rushes {verb} shots.yaml {rest}")),
                folder: if in_store { "nowhere".into() } else { folder.clone() },
                bucket: in_store.then(|| {
                    Arc::new(FolderStore::open(&folder, Threads::Pool).unwrap())
                        as Arc<dyn ClipStore>
                }),
                reviews: Some(Arc::new(reviews)),
                picks: "renders/summer/review.json".to_owned(),
                sheet: "/films/summer/contact-sheet.html".to_owned(),
                run: with_run.then(|| run.clone()),
            };
            let is_public = port.is_public();
            let live = LivePage::open(port, view);
            (stage, is_public, live, site, (folder, run, sender))
        });
        assert_eq!(port, site.prefix.len() > 1, "a token where others can come");
        let (folder, RunView { pause, stop, .. }, progress) = view;
        Self { site, folder, progress, pause, stop, live: Some(live), runtime, _stage: stage }
    }

    /// The run ends.
    pub fn close(&mut self) {
        let live = self.live.take().unwrap();
        self.runtime.block_on(live.close(Some("the cap".into())));
    }
}

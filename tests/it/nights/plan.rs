//! What a seed draws: the campaign, the gateway, the limits, and what goes wrong in which life.

use std::time::Duration;

use fastrand::Rng;
use rushes::catalog::{Catalog, Params};
use rushes::domain::money::Usd;
use rushes::domain::shot::{Request, Shot, ShotId};
use rushes::domain::state::OnDoubt;
use rushes::policy::limits::{Limits, Rate, Window};
use rushes::simulator::Profile;
use serde_json::json;

use super::disk::{Crash, Fault};
use super::wire::Cut;

/// An entry of the manifest: which text it has today, if any.
#[derive(Clone, Debug)]
pub struct Text {
    pub id: String,
    /// Which text; changed by the user between lives.
    pub version: u32,
    /// Whether it is in the manifest.
    pub is_there: bool,
    pub priority: i32,
    kind: u8,
}

/// What stays the same over a night.
#[derive(Debug)]
pub struct Night {
    pub profile: Profile,
    pub purse: Usd,
    pub limits: Limits,
    pub charged_if_failed: bool,
    pub texts: Vec<Text>,
    pub cap: Option<Usd>,
    pub strict: bool,
    pub on_doubt: OnDoubt,
    pub lives: u32,
    /// What the ledger's catalog asks above the gateway's price, in hundredths.
    pub dearer: i64,
}

/// What goes wrong in one life.
#[derive(Clone, Debug, Default)]
pub struct Doom {
    pub disk: Option<Fault>,
    pub cut: Option<Cut>,
    pub deadline: Option<Duration>,
    pub max_failures: Option<u32>,
    /// Something that is no folder stands where the clips should go.
    pub no_clips: bool,
}

impl Night {
    pub fn draw(dice: &mut Rng) -> Self {
        Self::of(dice.u32(1..=12), dice)
    }

    /// One of so many shots.
    pub fn of(count: u32, dice: &mut Rng) -> Self {
        let texts: Vec<Text> = (0..count).map(|n| Text::draw(n, dice)).collect();
        let profile = match dice.u32(0..26) {
            0..2 => Profile::Calm,
            2..6 => Profile::Flaky,
            6..14 => Profile::Storm,
            14..18 => Profile::Liar,
            18..20 => Profile::Broke,
            _ => Profile::Field,
        };
        let total: i64 = texts.iter().map(|text| text.price(10).map_or(0, Usd::micros)).sum();
        let cap = match dice.u32(0..4) {
            0 => None,
            _ => Some(Usd::from_micros(total * dice.i64(20..160) / 100)),
        };
        let seconds = |dice: &mut Rng, range| Duration::from_secs(dice.u64(range));
        Self {
            profile,
            purse: match profile {
                Profile::Broke => micros(total * 7 / 10),
                // Now and then the gateway says with a 429 that money is missing.
                Profile::Field if dice.u8(0..4) == 0 => micros(total * 7 / 10),
                _ => micros(1 << 30),
            },
            limits: Limits {
                rate: Rate { count: dice.u32(1..12), window: Window::Second },
                poll_every: seconds(dice, 1..4),
                poll_rate: Rate { count: dice.u32(2..30), window: Window::Second },
                in_flight: dice.u32(1..8),
                attempts: dice.u32(1..6),
                submit_timeout: seconds(dice, 2..30),
                render_timeout: seconds(dice, 15..40),
                ..Limits::default()
            },
            charged_if_failed: dice.u8(0..4) == 0,
            texts,
            cap,
            strict: dice.u8(0..4) == 0,
            on_doubt: if dice.u8(0..4) == 0 { OnDoubt::Resubmit } else { OnDoubt::Hold },
            lives: dice.u32(1..6),
            dearer: if dice.u8(0..4) == 0 { 10 } else { 0 },
        }
    }

    /// A night of many shots in a storm, without anything wrong on this side.
    pub fn overnight(shots: u32, dice: &mut Rng) -> Self {
        let second = |count| Rate { count, window: Window::Second };
        Self {
            profile: Profile::Storm,
            purse: micros(1 << 40),
            limits: Limits {
                rate: second(20),
                poll_rate: second(200),
                in_flight: 200,
                render_timeout: Duration::from_secs(60),
                ..Limits::default()
            },
            charged_if_failed: false,
            texts: (0..shots).map(|n| Text::draw(n, dice)).collect(),
            cap: Some(micros(1 << 40)),
            strict: false,
            on_doubt: OnDoubt::Hold,
            lives: 0,
            dearer: 0,
        }
    }

    /// The catalog of the gateway.
    pub fn catalog(&self) -> Catalog {
        let file = include_str!("../../../src/catalog/kling-2026-11-22.yaml");
        let failed =
            if self.charged_if_failed { "failed_tasks: charged" } else { "failed_tasks: free" };
        Catalog::parse(&file.replace("failed_tasks: free", failed)).unwrap()
    }

    /// The manifest as it is now.
    pub fn shots(&self, catalog: &Catalog) -> Vec<Shot> {
        let there = self.texts.iter().filter(|text| text.is_there);
        there.map(|text| text.shot(catalog, self.dearer)).collect()
    }
}

fn micros(micros: i64) -> Usd {
    Usd::from_micros(micros)
}

impl Text {
    fn draw(n: u32, dice: &mut Rng) -> Self {
        Self {
            id: format!("s{n}"),
            version: 1,
            is_there: true,
            priority: dice.i32(0..3) / 2,
            kind: dice.u8(0..5),
        }
    }

    pub fn prompt(&self) -> String {
        format!("{} text {}", self.id, self.version)
    }

    fn params(&self) -> Params {
        let (model, mode, marked) = match self.kind {
            0 => ("kling-v2-6", "std", false),
            1 => ("kling-v2-6", "pro", false),
            2 => ("kling-v3", "std", false),
            3 => ("kling-v2-6", "std", true),
            _ => ("kling-v3", "pro", true),
        };
        let mut params = json!({"model": model, "mode": mode, "duration": "5"});
        params["prompt"] = json!(self.prompt());
        if marked {
            params["watermark_info"] = json!({"enabled": true});
        }
        match params {
            serde_json::Value::Object(params) => params,
            _ => unreachable!("it is an object"),
        }
    }

    fn price(&self, dearer: i64) -> Option<Usd> {
        let price = Catalog::builtin().price(&self.params())?;
        Some(Usd::from_micros(price.micros() * (100 + dearer) / 100))
    }

    fn shot(&self, catalog: &Catalog, dearer: i64) -> Shot {
        let params = self.params();
        let price = catalog.price(&params).unwrap();
        Shot {
            id: ShotId::new(&self.id).unwrap(),
            fingerprint: catalog.fingerprint(&params, &[]),
            former: [].into(),
            request: Request {
                json: serde_json::to_string(&params).unwrap().into(),
                files: [].into(),
            },
            model: params["model"].as_str().unwrap().into(),
            price: Some(Usd::from_micros(price.micros() * (100 + dearer) / 100)),
            priority: self.priority,
            tags: [].into(),
            clip_name: self.id.as_str().into(),
            entry: self.id.as_str().into(),
            variant: [].into(),
        }
    }
}

impl Doom {
    pub fn draw(dice: &mut Rng, shots: u32) -> Self {
        let mut doom = Self::default();
        // Some 9 syncs and 30 writes a shot.
        let sync = |dice: &mut Rng| dice.u32(1..4 + 5 * shots);
        let write = |dice: &mut Rng| dice.u32(1..20 + 20 * shots);
        let call = |dice: &mut Rng| dice.u32(1..2 + shots);
        match dice.u32(0..18) {
            0 => doom.disk = Some(Fault::DieBeforeWrite(write(dice))),
            1 => doom.disk = Some(Fault::DieBeforeSync(sync(dice))),
            2 | 3 => doom.disk = Some(Fault::DieAfterSync(sync(dice))),
            4 => doom.disk = Some(Fault::FailWrite(write(dice))),
            5 => doom.disk = Some(Fault::FailSync(sync(dice))),
            6 => doom.disk = Some(Fault::Full(write(dice))),
            7 => doom.disk = Some(Fault::Crammed(write(dice))),
            8 => doom.cut = Some(Cut::BeforePost(call(dice))),
            9 => doom.cut = Some(Cut::OnTheWire(call(dice))),
            10 => doom.cut = Some(Cut::AfterAnswer(call(dice))),
            11 => doom.cut = Some(Cut::Polling(call(dice))),
            12 => doom.cut = Some(Cut::Fetching(call(dice))),
            13 => doom.cut = Some(Cut::MidClip(call(dice))),
            14 => doom.cut = Some(Cut::InterruptPost(call(dice))),
            15 => doom.cut = Some(Cut::InterruptPoll(call(dice))),
            16 => doom.no_clips = true,
            _ => doom.max_failures = Some(dice.u32(1..3)),
        }
        if dice.u8(0..8) == 0 {
            doom.deadline = Some(Duration::from_millis(dice.u64(1..10_000)));
        }
        doom
    }
}

/// How much of what was not synced a crash leaves.
pub fn crash(dice: &mut Rng) -> Crash {
    match dice.u8(0..3) {
        0 => Crash::Kill,
        1 => Crash::Power,
        _ => Crash::Torn,
    }
}

//! Renders a manifest of shots on a paid video API, unattended, and leaves every clip, its price and
//! the reason of every failure on disk.
//!
//! The API is [`Campaign`], [`Run`] and [`Report`], over the traits [`Provider`], [`Ledger`] and
//! [`ClipStore`]. The rooms below are hidden from the documentation and may change.
//!
//! # Four promises
//! 1. **Never twice.** A shot that may already have been bought is never bought again unless the
//!    user says so.
//! 2. **Never over.** What the gateway may charge never exceeds the cap, whatever fails and however
//!    often the run is killed.
//! 3. **Never lost.** Once a task id or a clip has reached this machine, no crash, full disk or
//!    second run loses it.
//! 4. **Same command again.** Whatever stopped a run, the same command continues it.
//!
//! A 5xx answer counts as a refusal and is retried. If a gateway charges for one, the first two
//! promises do not hold; the ledger records what it could have cost.
//!
//! # Map
//! The rooms in reading order. Each imports only from rooms above it, and no two files import each
//! other in a circle; `tests/it/house` reads this table and checks both.
//!
//! | room | holds | does not know |
//! |---|---|---|
//! | [`domain`] | the vocabulary as types; in [`domain::transition`] the one function that makes every transition | I/O, clocks |
//! | [`disk`] | small things that several rooms do with files | what the files hold |
//! | [`blocking`] | runs work that may block a thread | what the work is |
//! | [`failpoint`] | points at which tests abort a debug build; compiled out of a release build | everything else |
//! | [`listener`] | accepts HTTP connections: few at once, limited in time, closed on shutdown | what is served |
//! | [`policy`] | rate, backpressure, retry, budget, queue order: pure functions of state and time | I/O, clocks |
//! | [`catalog`] | models, parameters and prices as dated data | files |
//! | [`manifest`] | reads a manifest into shots, with diagnostics | money spent, network |
//! | [`provider`] | the paid gateway over HTTP, its wire format, and what it alone does; beside [`notify`] and a bucket's client in [`clips`] the only room that knows reqwest | the ledger |
//! | [`ledger`] | what was sent, bought, paid and fetched, in a file, a database or memory; the only SQL | the gateway |
//! | [`clips`] | verifies, names and stores clips, in a folder or in a bucket | where the bytes come from |
//! | [`callback`] | queues the gateway's callbacks; each is a hint to poll, not a fact | what a task is for |
//! | [`notify`] | sends messages about a run to the user's webhook | the gateway and its key |
//! | [`plan`] | shots against the ledger: what a run would do and cost | the network |
//! | [`scheduler`] | a run: one owner of its state, a driver, effects | SQL, HTTP |
//! | [`review`] | what people decided about clips: picks, ratings, rejects, notes, in a file of the campaign folder | the ledger, money |
//! | [`report`] | what became of a campaign, from its ledger: text, JSON, CSV, a page, a timeline | the manifest |
//! | [`simulator`] | a stand-in gateway with faults on demand and accounts of its own | the ledger |
//! | `facade` | the public API: loads, plans, runs, reports | SQL, HTTP |
//! | [`server`] | the live page of a run (a read-only observer, plus buttons) and the listener for callbacks | the manifest, the gateway |
//! | [`cli`] | arguments, settings, the terminal, exit codes | – |
//!
//! # Invariants
//! - **Commit, then act.** A transition is durable before anything follows from it: the attempt and
//!   its reserved price before the POST is sent, the task id before it is polled, the clip under its
//!   final name before the shot counts as delivered.
//! - **One door for transitions.** Every transition is made by
//!   [`RevisionState::after`](domain::state::RevisionState::after) and written by
//!   [`Ledger::commit`].
//! - **Nothing is sent twice by itself.** No HTTP client, middleware or redirect repeats a POST. Only
//!   the scheduler sends again, after the ledger has recorded that the last POST was refused.
//! - **Money is a whole number of micro-dollars**, and every movement is an append-only row.
//! - **Seams.** What works with a gateway, a ledger or a clip store goes by its trait: [`Provider`],
//!   [`Ledger`], [`ClipStore`].

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod blocking;
#[doc(hidden)]
pub mod callback;
#[doc(hidden)]
pub mod catalog;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clips;
#[doc(hidden)]
pub mod disk;
#[doc(hidden)]
pub mod domain;
#[doc(hidden)]
pub mod failpoint;
#[doc(hidden)]
pub mod ledger;
#[doc(hidden)]
pub mod listener;
#[doc(hidden)]
pub mod manifest;
#[doc(hidden)]
pub mod notify;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod provider;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod review;
#[doc(hidden)]
pub mod scheduler;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod simulator;

#[doc(hidden)]
pub mod facade;

pub use clips::ClipStore;
pub use domain::money::Usd;
pub use domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
pub use facade::{Campaign, Error, Report, Run};
pub use ledger::{Ledger, MemoryLedger};
pub use provider::{Download, Provider, ResumePoint, Submission, TaskHandle};
pub use scheduler::{CancelToken, Progress, RunOptions, RunOutcome, StopReason};

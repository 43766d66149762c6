//! Renders a manifest of shots overnight on a paid video API, and has every clip, its price and
//! every failure's reason on disk in the morning.
//!
//! # Four promises
//! 1. **Never twice.** A shot that may already have been bought is never bought again without the
//!    user saying so.
//! 2. **Never over.** What the gateway may charge never passes the cap, whatever fails, however
//!    often the run is killed.
//! 3. **Never lost.** Once a task id or a clip has reached this machine, no crash, full disk or
//!    second run loses it.
//! 4. **Same command again.** Whatever stopped a run, the same command goes on from there.
//!
//! A 5xx answer counts as a refusal and is retried; a gateway that charges for one breaks the first
//! two. The ledger keeps what that could have cost.
//!
//! # The house, in reading order
//! Imports go one way, upwards in this list only to what stands above; a test holds it.
//!
//! | room | holds | does not know |
//! |---|---|---|
//! | [`domain`] | the words as types; in [`domain::transition`] the one function that makes every transition | I/O, clocks |
//! | [`blocking`] | work that may block a thread | what the work is |
//! | [`listener`] | where HTTP comes in: few connections, short lives, an end | what is said there |
//! | [`failpoint`] | where tests make a debug build die; nothing in a release build | everything else |
//! | [`policy`] | pace, backoff, cap, who is next: pure functions of state and time | I/O, clocks |
//! | [`catalog`] | dated data: models, what they accept, what they cost | files |
//! | [`manifest`] | text to shots, with diagnostics | money spent, network |
//! | [`provider`] | the paid gateway over HTTP, and its wire format; beside [`notify`] the only room that knows reqwest | the ledger |
//! | [`notify`] | tells somebody's web address how a run goes; when, and how hard it tries | the gateway and its key |
//! | [`ledger`] | the only truth about what was sent, bought, paid, fetched; the only SQL | the network |
//! | [`clips`] | verify, name, store | where bytes come from |
//! | [`callback`] | the door at which the gateway knocks; what it says there is a hint | what a knock is about |
//! | [`plan`] | shots against the ledger | the network |
//! | [`scheduler`] | the scheduler: drives revisions, commits, acts | SQL, HTTP |
//! | [`report`] | from the ledger only | the manifest |
//! | [`simulator`] | a stand-in gateway with faults on demand | the ledger |
//! | [`server`] | the page that follows a run, and its buttons: looks on, never in the way; the listener for callbacks | the manifest, the gateway |
//! | [`cli`] | arguments, settings, the terminal, exit codes | – |
//!
//! # Invariants
//! - **Commit, then act.** A transition is durable before anything follows from it: the attempt and
//!   its reserved price before the POST leaves, the task id before it is polled, the clip under its
//!   final name before the shot is delivered.
//! - **One door.** Every transition is made by [`domain::state::RevisionState::after`] and passes
//!   through one function of [`scheduler`].
//! - **Nothing is sent twice by itself.** No HTTP client, middleware or redirect repeats a POST;
//!   only the scheduler does, and only after the ledger says that the last one was refused.
//! - **Money is a whole number of micro-dollars**, and every movement is an append-only row.

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
pub mod scheduler;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod simulator;

mod facade;

pub use clips::ClipStore;
pub use domain::money::Usd;
pub use domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
pub use facade::{Campaign, Error, Report, Run};
pub use ledger::{Ledger, MemoryLedger};
pub use provider::{Download, Provider, ResumePoint, Submission, TaskHandle};
pub use scheduler::{CancelToken, Progress, RunOptions, RunOutcome, StopReason};

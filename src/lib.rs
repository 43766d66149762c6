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
//! # The map, in reading order
//! A room imports only rooms that stand above it here, and no files need each other in a circle; a
//! test reads this table and holds both.
//!
//! | room | holds | does not know |
//! |---|---|---|
//! | [`domain`] | the words as types: money, shots, states, what a provider answered; in [`domain::transition`] the one function that makes every transition | I/O, clocks |
//! | [`disk`] | small things that several rooms do with files | what is in them |
//! | [`blocking`] | work that may block a thread | what the work is |
//! | [`listener`] | an HTTP listener with bounds: connections, their length in bytes and time | what the requests mean |
//! | [`failpoint`] | named points where a test can kill a debug build; nothing in a release build | all other rooms |
//! | [`policy`] | rate, backpressure, backoff, cap, queue: pure functions of state and time | I/O, clocks |
//! | [`catalog`] | dated data: models, what they accept, what they cost | files |
//! | [`manifest`] | text to shots, with diagnostics | money spent, network |
//! | [`provider`] | the paid gateway over HTTP, its wire format, and what it alone does; beside [`notify`] the only room that knows reqwest | the ledger |
//! | [`notify`] | messages to a user's web address about a run: when, and how often they are tried | the gateway and its key |
//! | [`ledger`] | what was sent, bought, paid and fetched, in a file or in memory; the only SQL | the network |
//! | [`clips`] | clips on disk: verified, named, stored | where their bytes come from |
//! | [`callback`] | the queue of calls that a provider made about tasks; each is a hint | what a call is about |
//! | [`plan`] | shots against the ledger: what a run would do and cost | the network |
//! | [`scheduler`] | a run: one owner of its state, a driver, effects | SQL, HTTP |
//! | [`report`] | what became of a campaign, from its ledger: text, JSON, CSV, a page | the manifest |
//! | [`simulator`] | a stand-in gateway with faults on demand and accounts of its own | the ledger |
//! | [`facade`] | the public API | arguments, the terminal |
//! | [`server`] | the page that follows a run, and the listener for callbacks | the manifest, the gateway |
//! | [`cli`] | arguments, settings, the terminal, exit codes | – |
//!
//! # Invariants
//! - **Commit, then act.** A transition is durable before anything follows from it: the attempt and
//!   its reserved price before the POST leaves, the task id before it is polled, the clip under its
//!   final name before the shot is delivered.
//! - **One door.** Every transition is made by [`domain::state::RevisionState::after`] and made
//!   durable by [`ledger::Ledger::commit`].
//! - **Nothing is sent twice by itself.** No HTTP client, middleware or redirect repeats a POST;
//!   only the scheduler does, and only after the ledger says that the last one was refused.
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

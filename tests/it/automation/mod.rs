//! The commands as scripts use them: flags from the environment, few words, other ways to name a
//! campaign, answers for programs.

mod completion;
mod environment;
mod listing;
mod naming;
mod pages;
mod some_shots;
mod standing;
mod told;

//! Renders a manifest of shots overnight on a paid video API.

pub mod answer;
pub mod catalog;
pub mod cli;
pub mod clips;
pub mod gateway;
pub mod job;
pub mod ledger;
pub mod manifest;
pub mod money;
pub mod plan;
pub mod policy;
pub mod report;
pub mod run;
pub mod shot;
pub mod text;
pub mod time;

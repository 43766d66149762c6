//! What a report says of a ledger's rows, in each of its shapes.

mod contact_sheet;
mod csv;
mod eta;
mod json;
mod mismatch;
mod model;
mod reasons;
pub mod sample;
mod status;
mod text;

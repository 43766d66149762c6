//! The house through its public doors.

mod clips;
mod gateway;
mod manifest;
mod sim;
mod support;

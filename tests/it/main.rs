//! The house through its public doors.

mod manifest;
mod sim;

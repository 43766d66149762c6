//! The house through its public doors.

mod sim;

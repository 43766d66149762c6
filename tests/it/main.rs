//! Tests of the house through its public doors.

mod ledger;

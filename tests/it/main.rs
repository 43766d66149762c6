//! Tests of the house through its public doors.

#[cfg(test)]
mod ledger;

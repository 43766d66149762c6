//! What makes a purchase the campaign's own: its request, its gateway, its folder and its ledger. All
//! through the real program, with a gateway over a real socket.

mod catalogs;
mod folders;
mod gateways;
mod siblings;
mod spreadsheets;
mod waiting;

use crate::disk::{campaign, posted, sells};

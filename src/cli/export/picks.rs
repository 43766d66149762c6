//! What is wanted, by the file of picks: `review.json`, or a plain list of ids.

use std::path::Path;

use crate::report::export::wanted::{Mark, Order, Wanted};
use crate::report::text::safe_path;
use crate::review::{Pick, Verdict, read_picks};

use super::super::args::ExportOrder;
use super::super::error::CliError;

/// What is wanted: without a file everything.
pub fn wanted(file: Option<&Path>, order: Option<ExportOrder>) -> Result<Wanted, CliError> {
    let Some(file) = file else {
        if order == Some(ExportOrder::Picks) {
            let what = "--order picks goes by a file of picks, and none is named";
            return Err(CliError::new(what).help("add --picks FILE"));
        }
        return Ok(Wanted::default());
    };
    let picks = read_picks(file).map_err(|error| CliError::new(&error).help(error.help()))?;
    if picks.is_empty() {
        let what = format!("nothing is picked in {}", safe_path(file));
        return Err(CliError::new(what).help("without --picks every delivered clip is taken"));
    }
    // Of a list the order was written by hand.
    let usual =
        if picks.iter().all(is_listed) { ExportOrder::Picks } else { ExportOrder::Manifest };
    let order = match order.unwrap_or(usual) {
        ExportOrder::Manifest => Order::Manifest,
        ExportOrder::Picks => Order::Picks,
    };
    Ok(Wanted { marks: picks.into_iter().map(mark).collect(), order })
}

/// Whether a pick is of a list, which says nothing but ids.
fn is_listed(pick: &Pick) -> bool {
    pick.verdict == Verdict { pick: true, ..Verdict::default() }
}

fn mark(pick: Pick) -> Mark {
    Mark {
        shot: pick.id.to_string(),
        revision: pick.revision,
        picked: true,
        rejected: false,
        rating: pick.verdict.rating,
        note: pick.verdict.note,
    }
}

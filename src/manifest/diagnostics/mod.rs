//! What is wrong with a manifest: collected, sorted by place, drawn with the lines it points at, and
//! handed on as data. Knows nothing of manifests.

mod by_column;
mod collector;
mod diagnostic;
mod excerpt;
mod finding;
mod sheets;

pub use collector::Diagnostics;
pub(super) use diagnostic::{Diagnostic, Topic, did_you_mean};
pub use finding::{Finding, Level, Mistakes, Related, Spot};
pub use sheets::CellSpot;
pub(super) use sheets::letters;

//! Models, what they accept and what they cost: dated data, not code. Says what is wrong with a
//! request, what it costs and what it means (its fingerprint). Knows no manifest, file or network.

mod address;
mod check;
mod coerce;
mod file;
mod fingerprint;
mod image;
mod model;
mod names;
mod notes;
mod param;
mod parts;
mod price;
mod price_table;
mod ratio;
mod request_view;
mod similar;
mod values;

use std::sync::LazyLock;

pub use address::{private, share_page};
pub use coerce::{FOREIGN_OFF, FOREIGN_ON, any_switch, is_foreign_switch, switch};
pub use fingerprint::{FileHashes, FingerprintRule, hex};
pub use image::{base64_bytes, is_http_url};
pub use model::{Catalog, CatalogError, Model, Problem};
pub use names::is_for_people;
pub use notes::{Note, NoteKind};
pub use param::{Form, Need, Param, ParamKind, Params, PictureLimits, VideoLimits};
pub use price::{Change, PriceHint, in_words};
pub use ratio::{lowest as lowest_ratio, sides as ratio_sides};
pub use similar::{closest, likely_typo};
pub use values::Values;

/// The catalog that comes with this version, as it stands in the source tree.
pub const BUILTIN: &str = include_str!("kling-2026-11-22.yaml");

impl Catalog {
    /// The catalog that comes with this version.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and every test reads it"
    )]
    pub fn builtin() -> Self {
        static PARSED: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::parse(BUILTIN).expect("the catalog of this version is valid")
        });
        PARSED.clone()
    }
}

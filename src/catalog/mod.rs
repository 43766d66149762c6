//! Models, what they accept and what they cost: dated data, not code. Says what is wrong with a
//! request, what it costs and what it means (its fingerprint). Knows no manifest, file or network.

mod check;
mod coerce;
mod constraints;
mod file;
mod fingerprint;
mod image;
mod model;
mod param;
mod price;
mod price_hints;
mod price_table;
mod request_view;
mod similar;
mod values;

pub use coerce::switch;
pub use constraints::{Accepted, Constraints};
pub use image::{base64_bytes, is_http_url};
pub use model::{Catalog, CatalogError, Problem};
pub use param::{Param, ParamKind, Params, Rules};
pub use price_hints::{Change, PriceHint, in_words};
pub use similar::{closest, likely_typo};

use crate::domain::money::Usd;
use crate::domain::shot::Fingerprint;

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
        Self::parse(BUILTIN).expect("the catalog of this version is valid")
    }

    /// Reads a catalog file; `kling-2026-11-22.yaml` beside this module says what it holds.
    ///
    /// # Errors
    /// When the text is not a catalog: on which line, and why.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        file::parse(text)
    }

    /// Everything the model forbids about a request, parameter by parameter. `params` holds all
    /// of it but what the manifest passes through as `extra`; an image from a local file may stand
    /// there by its path.
    #[must_use]
    pub fn check(&self, params: &Params) -> Vec<Problem> {
        check::check(self, params)
    }

    /// What a request costs; `None` when the catalog has no row for it.
    #[must_use]
    pub fn price(&self, params: &Params) -> Option<Usd> {
        price::price(self, params)
    }

    /// For a request without a known price: what its model costs when as little of it as possible
    /// is changed. At most three ways, in the order of the catalog's rows; none when the model is
    /// not known or has no such price. [`in_words`] makes a sentence of them.
    #[must_use]
    pub fn price_hints(&self, params: &Params) -> Vec<PriceHint> {
        price_hints::price_hints(self, params)
    }

    /// What a request means. `params` is all of it, `extra` included; `files` are the parameters
    /// that a local file fills, with the SHA-256 of its bytes, whatever `params` says of them.
    ///
    /// Requests that mean the same have the same fingerprint: the order of keys, a value equal to
    /// the default, how a number is written, where an image's bytes come from and `callback_url`
    /// do not count.
    #[must_use]
    pub fn fingerprint(&self, params: &Params, files: &[(String, [u8; 32])]) -> Fingerprint {
        fingerprint::fingerprint(self, params, files)
    }
}

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../it/fuzz/harness.rs"]
mod harness;

static HARNESS: LazyLock<harness::Harness> = LazyLock::new(harness::Harness::new);

fuzz_target!(|bytes: &[u8]| HARNESS.read("yaml", bytes));

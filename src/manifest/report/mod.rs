//! What is wrong with a manifest: collected, sorted by place, drawn with the lines it points at, and
//! handed on as data. Knows nothing of manifests.

pub(super) mod excerpt;
pub(super) mod finding;
pub(super) mod log;

//! The keys of a shot, and what is said of those that are none.

use crate::catalog::{Catalog, is_for_people};
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::scalars::TOP_LEVEL;
use crate::manifest::source::place::Place;

/// An entry's own keys; everything else is a request parameter.
pub(crate) const KEYS: [&str; 12] = [
    "id",
    "takes",
    "matrix",
    "from",
    "columns",
    "where",
    "skip",
    "ignore",
    "priority",
    "tags",
    "clip_name",
    "extra",
];
/// Those that a column can stand for.
pub(crate) const ROW_KEYS: [&str; 5] = ["id", "takes", "priority", "tags", "clip_name"];

/// Whether a column's name is one that a shot can have: a key, a parameter or a part of one, `extra.…`.
pub(crate) fn is_ours(name: &str, catalog: &Catalog) -> bool {
    let head = name.split('.').next().unwrap_or(name);
    catalog.param(head).is_some() || ROW_KEYS.contains(&name) || name.starts_with("extra.")
}

/// Reports a key or a column that is neither a shot's own nor a request parameter. Returns the
/// parameter that was probably meant.
pub(crate) fn report_unknown(
    key: &str,
    place: Place,
    catalog: &Catalog,
    keys: &[&str],
    diags: &mut Diagnostics,
) -> Option<usize> {
    let is_top = TOP_LEVEL.keys.contains(&key);
    let in_table = keys == ROW_KEYS;
    let meant = match in_table {
        _ if is_top || is_for_people(key) => None,
        true => catalog.meant_by_header(key, keys),
        false => catalog.meant(key, keys),
    };
    let fix = match meant {
        Some(meant) => did_you_mean(meant, catalog),
        None if in_table && (is_top || KEYS.contains(&key)) => {
            "it belongs into a YAML manifest; there `from: FILE.csv` takes the rows".to_owned()
        }
        None if is_top => "write it above `shots:`, not indented".to_owned(),
        None if in_table && key.contains(' ') => {
            "the first row names the columns, such as `id,model,prompt`".to_owned()
        }
        None if key.contains(' ') => {
            "if it belongs to the text before it, put all of that text into quotes".to_owned()
        }
        None if in_table => "remove the column; or write a YAML manifest that takes the rows with \
                             `from: FILE.csv` and leaves it out with `ignore:`"
            .to_owned(),
        None if is_for_people(key) => format!("write it as a comment: `# {key}: …`"),
        None => "remove it: the gateway names no parameter like it; `rushes schema` lists those \
                 there are"
            .to_owned(),
    };
    let what = format!("a shot has no parameter `{key}`");
    diags.error(place, what, fix);
    catalog.params().iter().position(|param| Some(param.name.as_str()) == meant)
}

/// The parameter or key that was probably meant, and which models take it if not all do.
pub(crate) fn did_you_mean(meant: &str, catalog: &Catalog) -> String {
    match catalog.taken_by(meant) {
        Some(models) => format!("did you mean `{meant}`? {models}"),
        None => format!("did you mean `{meant}`?"),
    }
}

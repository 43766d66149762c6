//! Texts as they stand in YAML, for lines to copy.

/// A header as it stands in YAML.
pub(super) fn quoted(header: &str) -> String {
    let is_plain = header.starts_with(char::is_alphabetic)
        && header.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ');
    if is_plain { header.to_owned() } else { serde_json::Value::from(header).to_string() }
}

/// A file's name as it stands in YAML.
pub(super) fn quoted_path(file: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if file.chars().all(is_plain) && file.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return file.to_owned();
    }
    serde_json::Value::from(file).to_string()
}

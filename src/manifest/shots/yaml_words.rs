//! Texts as they stand in YAML, for lines to copy.

/// A text in double quotes, as it stands in YAML.
pub(super) fn in_quotes(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A header as it stands in YAML.
pub(super) fn quoted(header: &str) -> String {
    let is_plain = header.starts_with(char::is_alphabetic)
        && header.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ');
    if is_plain { header.to_owned() } else { in_quotes(header) }
}

/// A file's name as it stands in YAML.
pub(super) fn quoted_path(file: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if file.chars().all(is_plain) && file.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return file.to_owned();
    }
    in_quotes(file)
}

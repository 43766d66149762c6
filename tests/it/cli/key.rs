//! Where the key comes from, and what is said of one that cannot be used.

use std::ffi::OsString;

use rushes::cli::key;

const KEY: &str = "KLING_API_KEY";
const KEY_FILE: &str = "KLING_API_KEY_FILE";

fn from(vars: &[(&str, &str)]) -> Result<String, String> {
    let var = |name: &str| {
        vars.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    };
    key(var).map_err(|trouble| format!("{trouble:?}"))
}

#[test]
fn a_key_comes_from_its_variable_or_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "sk-file\r\n").unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(from(&[(KEY, "sk-1")]).unwrap(), "sk-1");
    assert_eq!(from(&[(KEY_FILE, path)]).unwrap(), "sk-file");
    assert_eq!(from(&[(KEY, "sk-1"), (KEY_FILE, path)]).unwrap(), "sk-1");
}

#[test]
fn a_missing_or_odd_key_names_the_fix_and_never_shows_itself() {
    assert!(from(&[]).unwrap_err().contains("export KLING_API_KEY"));
    assert!(from(&[(KEY_FILE, "/no/such/file")]).unwrap_err().contains("/no/such/file"));
    assert!(from(&[(KEY, "  ")]).unwrap_err().contains("empty"));
    let odd = from(&[(KEY, "sk-1\nsk-2")]).unwrap_err();
    assert!(odd.contains("nothing else") && !odd.contains("sk-1"), "{odd}");
}

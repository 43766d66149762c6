//! Numbers in README.md, held against the constants that they come from.

use std::time::Duration;

use rushes::policy::limits::Limits;

const README: &str = include_str!("../../README.md");

/// The number behind each place where `words` stand.
fn numbers(words: &str) -> Vec<u64> {
    let behind = README.split(words).skip(1);
    let digits = behind.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
    digits.map(|digits: String| digits.parse().unwrap()).collect()
}

#[test]
fn field_08_a_supervisor_is_told_to_wait_longer_than_a_request_may_take() {
    let longest = Limits::default().submit_timeout;
    assert_eq!(numbers("`limits.submit_timeout`, "), [longest.as_secs()]);
    let wait = longest + Duration::from_secs(10);
    for words in ["docker stop -t ", "TimeoutStopSec="] {
        assert_eq!(numbers(words), [wait.as_secs()], "{words}");
    }
}

#[test]
fn field_25_the_readme_says_how_a_laptop_is_kept_awake() {
    for words in ["systemd-inhibit --what=idle:sleep rushes run", "caffeinate -is rushes run"] {
        assert!(README.contains(words), "{words}");
    }
}

//! Addresses that messages go to.

use rushes::domain::webhook::Hook;

#[test]
fn an_address_shows_no_more_than_its_host() {
    for (text, shown) in [
        ("https://hooks.slack.com/services/T0/B0/s3cret", "https://hooks.slack.com/…"),
        (" HTTPS://h:8443?token=s3cret ", "HTTPS://h:8443/…"),
        ("http://127.0.0.1:9000/s3cret", "http://127.0.0.1:9000/…"),
        ("http://[::1]/s3cret", "http://[::1]/…"),
        ("http://LOCALHOST#s3cret", "http://LOCALHOST/…"),
    ] {
        let hook = Hook::new(text).unwrap();
        assert_eq!(hook.to_string(), shown);
        assert!(!format!("{hook:?}").contains("s3cret"));
        assert_eq!(hook.secret(), text.trim());
    }
}

#[test]
fn what_would_be_read_by_others_or_is_no_address_is_refused() {
    for (text, problem) in [
        ("", "no web address"),
        ("hooks.example.com/x", "no web address"),
        ("ftp://127.0.0.1/x", "neither"),
        ("http://hooks.example.com/x", "plain http"),
        ("http://127.0.0.1.evil.example/x", "plain http"),
        ("http://localhost.evil.example/x", "plain http"),
        ("http://10.0.0.1/x", "plain http"),
        ("http://127.0.0.1@evil.example/x", "user name"),
        ("https://me:s3cret@h/x", "user name"),
        ("https:///x", "no host"),
        ("https://:80/x", "no host"),
        ("https://h/a b", "character"),
        ("http://127.0.0.1\\@evil.example", "character"),
    ] {
        let why = Hook::new(text).unwrap_err();
        assert!(why.contains(problem), "{text}: {why}");
    }
    assert!(Hook::new(&format!("https://h/{}", "x".repeat(3000))).is_err());
}

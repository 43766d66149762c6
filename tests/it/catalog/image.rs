//! What counts as base64 and as a URL.

use rushes::catalog::{base64_bytes, is_http_url};

#[test]
fn base64_is_read_in_every_dress() {
    for text in [
        "aGVsbG8+Pw==",
        "aGVsbG8+Pw",
        "aGVsbG8-Pw",
        " aGVs\nbG8+\r\n Pw== ",
        "data:image/png;base64,aGVsbG8+Pw==",
        "DATA:image/png;charset=x;BASE64,aGVs bG8+Pw==",
    ] {
        assert_eq!(base64_bytes(text).as_deref(), Some(b"hello>?".as_slice()), "{text}");
    }
    for text in ["", " ", "stills/a.png", "https://a.b/c", "data:,aGVsbG8=", "data:x;base64,", "é"]
    {
        assert_eq!(base64_bytes(text), None, "{text}");
    }
}

#[test]
fn only_http_urls_with_a_host_are_urls() {
    for good in ["http://a", "https://a.b/c?d#e", "HTTPS://A.b", "http://u:p@h:1/"] {
        assert!(is_http_url(good), "{good}");
    }
    for bad in
        ["", "a.b/c", "ftp://a", "https://", "http:///x", "http://a b", "http://:80", "http://a\n"]
    {
        assert!(!is_http_url(bad), "{bad}");
    }
}

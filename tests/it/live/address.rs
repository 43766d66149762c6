//! Where `--serve` puts the page.

use rushes::server::Wish;

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, address) in [
        ("8080", "127.0.0.1:8080"),
        (":8080", "0.0.0.0:8080"),
        ("localhost", "127.0.0.1:7878"),
        ("localhost:1", "127.0.0.1:1"),
        ("0.0.0.0", "0.0.0.0:7878"),
        ("10.1.2.3:80", "10.1.2.3:80"),
        ("[::1]:80", "[::1]:80"),
        ("::1", "[::1]:7878"),
        ("[::]", "[::]:7878"),
    ] {
        assert_eq!(text.parse(), Ok(Wish::At(address.parse().unwrap())), "{text}");
    }
    assert_eq!("".parse(), Ok(Wish::Usual));
    for bad in ["shots.yaml", "example.com:80", "127.0.0.1:99999", ":", "a:b:c", "-1"] {
        assert!(bad.parse::<Wish>().unwrap_err().contains("after the manifest"), "{bad}");
    }
}

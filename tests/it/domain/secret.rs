//! Secrets written, read and kept out of sight.

use rushes::domain::secret::Secret;

#[test]
fn a_token_is_written_and_read_and_never_printed() {
    let token = Secret::from_bytes(*b"\x00\x01 sixteen bytes");
    let secret = token.reveal();
    assert_eq!(secret.len(), 32);
    assert_eq!(Secret::parse(&secret), Some(token));
    assert!(token.is(&secret) && !token.is("") && !token.is(&secret[1..]));
    assert!(!token.is(&secret.replace('0', "1")));
    assert_eq!(format!("{token:?}"), "Secret(…)");
    let mut said = format!("no {secret}!");
    token.redact_in(&mut said);
    assert_eq!(said, "no [token]!");
    let (longer, signed) = (format!("{secret}0"), format!("+{}", &secret[1..]));
    for bad in ["", "0", &secret[1..], &longer, &signed, &"F".repeat(32)] {
        assert_eq!(Secret::parse(bad), None, "{bad}");
    }
}

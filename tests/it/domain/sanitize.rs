//! Text from outside, made safe to print.

use proptest::prelude::*;
use rushes::domain::sanitize::{is_markup, page, plain, steers};

#[test]
fn outside_text_is_one_safe_line() {
    assert_eq!(plain("  a\r\n\tb  ", 300), "a b");
    assert_eq!(plain("\u{1b}[31mred\u{1b}[0m \u{9b}1mbold", 300), "red bold");
    assert_eq!(plain("\u{1b}]0;owned\u{7}title", 300), "title");
    assert_eq!(plain("\u{1b}]0;owned\u{1b}\\title", 300), "title");
    assert_eq!(plain("abc\u{202e}gpj.exe\0", 300), "abcgpj.exe");
    assert_eq!(plain("内容违规", 300), "内容违规");
    assert_eq!(plain("\u{1b}", 300), "");
}

#[test]
fn a_cut_is_shown_and_kept_within_the_bound() {
    assert_eq!(plain("abcdef", 6), "abcdef");
    assert_eq!(plain("abcdefg", 6), "abcde…");
    assert_eq!(plain("abcde fgh", 6), "abcde…");
    assert_eq!(plain("abc", 0), "");
}

#[test]
fn a_page_is_told_by_its_title_or_its_text() {
    assert_eq!(page("<html><TITLE>502 Bad\nGateway</TITLE><body>x", 99), "502 Bad Gateway");
    let untitled = "<!doctype html><style>p{color:red}</style><p>Sorry,<br>no <b>such</b> page";
    assert_eq!(page(untitled, 99), "Sorry, no such page");
    assert_eq!(page("<script>never closed", 99), "");
    assert!(is_markup("\u{feff}\n <?xml"));
    assert!(!is_markup("{\"a\": \"<b>\"}"));
}

proptest! {
    #[test]
    fn any_text_becomes_printable_and_bounded(text in any::<String>(), max in 0_usize..40) {
        for said in [plain(&text, max), page(&text, max)] {
            prop_assert!(said.chars().count() <= max);
            prop_assert!(!said.chars().any(|c| c.is_control() || steers(c)));
        }
    }
}

//! What is said of files that are no UTF-8.

use rushes::manifest::file::windows_1252;

#[test]
fn the_meant_character_of_a_spreadsheet_is_named() {
    assert_eq!(windows_1252(0xe9), Some('é'));
    assert_eq!(windows_1252(0x93), Some('“'));
    assert_eq!(windows_1252(0x80), Some('€'));
    assert_eq!([0x81, 0xa0, b'a'].map(windows_1252), [None; 3]);
}

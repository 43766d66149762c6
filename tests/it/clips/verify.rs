//! What is a whole clip, and what is none.

use std::io::Cursor;

use proptest::prelude::*;
use rushes::clips::verify::verify;

use super::mp4_box;

/// A small clip that mp4parse reads: `ftyp`, `moov` with its header, `mdat`.
fn clip() -> Vec<u8> {
    let mut header = vec![0; 100];
    header[12..16].copy_from_slice(&1000_u32.to_be_bytes());
    header[16..20].copy_from_slice(&5000_u32.to_be_bytes());
    [
        mp4_box(*b"ftyp", b"isom\0\0\x02\0isommp42"),
        mp4_box(*b"moov", &mp4_box(*b"mvhd", &header)),
        mp4_box(*b"mdat", &[7; 300]),
    ]
    .concat()
}

fn check(bytes: &[u8], total: Option<u64>) -> Result<(), String> {
    verify(&mut Cursor::new(bytes), bytes.len() as u64, total).unwrap()
}

/// Checks bytes whose length the host announced.
fn announced(bytes: &[u8]) -> Result<(), String> {
    check(bytes, Some(bytes.len() as u64))
}

#[test]
fn a_whole_clip_is_a_clip_with_and_without_an_announced_length() {
    assert_eq!(announced(&clip()), Ok(()));
    assert_eq!(check(&clip(), None), Ok(()));
    let large = [&clip()[..], b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x14abcd"].concat();
    assert_eq!(check(&large, None), Ok(()));
    let padded = [mp4_box(*b"free", b""), clip(), mp4_box(*b"Xtra", b"who knows")].concat();
    assert_eq!(check(&padded, None), Ok(()));
}

#[test]
fn every_cut_of_a_clip_is_found_without_an_announced_length() {
    let clip = clip();
    for end in 0..clip.len() {
        assert!(check(&clip[..end], None).is_err(), "cut after {end} bytes");
        let told = check(&clip[..end], Some(clip.len() as u64));
        assert!(told.is_err(), "cut after {end} bytes, announced {}", clip.len());
    }
    let said = announced(&clip[..clip.len() - 1]);
    assert_eq!(said, Err("the clip is cut off after 447 bytes".into()));
}

#[test]
fn odd_ends_are_believed_only_when_the_length_was_announced() {
    for tail in [&b"\0\0\0\0mdat rest"[..], b"\0\0\0\x05mdat", b"xyz", b"\xff\xff\xff\xffwhat"] {
        let odd = [&clip(), tail].concat();
        assert_eq!(announced(&odd), Ok(()));
        assert!(check(&odd, None).is_err());
    }
    let no_movie = mp4_box(*b"ftyp", b"isom\0\0\x02\0");
    assert_eq!(announced(&no_movie), Ok(()));
    assert!(check(&no_movie, None).is_err());
}

#[test]
fn what_is_no_clip_is_told_by_what_it_looks_like() {
    for (bytes, said) in [
        (&b""[..], "the host sent an empty file"),
        (b"<!DOCTYPE html><title>Sign\nin</title>", "an HTML page: Sign in"),
        (b"<html></html>", "an HTML page instead"),
        (
            b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
            "an XML document: AccessDenied",
        ),
        (b" {\"error\": \"expired\"}", "JSON: {\"error\": \"expired\"}"),
        (b"no such file\n", "text: no such file"),
        (b"\x1a\x45\xdf\xa3....", "a WebM or Matroska file"),
        (b"\x1f\x8b....", "a gzip file"),
        (b"\0\0\0\0\0\0\0\0\0\0\0", "something unknown"),
        (b"\0\0\0\x10moovxxxxxxxxftyp", "something unknown"),
        (b"\0\0\0\x18fty", "something unknown"),
    ] {
        let why = announced(bytes).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
}

#[test]
fn a_wrong_length_is_told_in_both_directions() {
    let why = check(&clip(), Some(1000)).unwrap_err();
    assert_eq!(why, "received 448 bytes of 1000");
    assert!(check(&clip(), Some(10)).is_err());
}

#[test]
fn boxes_without_end_are_not_walked_to_their_end() {
    let endless = mp4_box(*b"free", b"").repeat(70_000);
    let endless = [clip(), endless].concat();
    assert_eq!(announced(&endless), Ok(()));
    assert!(check(&endless, None).unwrap_err().contains("may be cut off"));
}

#[test]
fn the_oracle_reads_the_clip_of_these_tests() {
    mp4parse::read_mp4(&mut Cursor::new(clip())).unwrap();
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (places, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(places, end, cut)| {
        let mut bytes = clip();
        // Mostly where sizes and kinds are.
        for (place, byte) in places {
            let heads = [(0, 8), (24, 8), (32, 8), (140, 8)];
            let (start, length) = heads[place.index(heads.len())];
            bytes[start + place.index(length)] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), total in any::<Option<u64>>()) {
        let _ = check(&bytes, total);
    }

    #[test]
    fn what_is_called_cut_is_no_movie_to_the_oracle_either(bytes in mutated()) {
        if announced(&bytes).is_err_and(|why| why.contains("is cut off")) {
            prop_assert!(mp4parse::read_mp4(&mut Cursor::new(bytes)).is_err());
        }
    }
}

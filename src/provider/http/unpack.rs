//! Bodies that were packed although nothing asked for it: a task id in one must not be lost. What
//! comes out is bounded, and of a cut body it is what came.

use bytes::Bytes;
use miniz_oxide::inflate::{
    DecompressError, decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit,
};

use super::super::wire::MAX_BODY;

/// The first bytes of a gzip file.
const GZIP: &[u8] = &[0x1f, 0x8b, 8];

/// The body as it was before it was packed as `encoding` says, or as its first bytes say; as it is
/// when it cannot be unpacked.
pub(super) fn unpack(encoding: Option<&str>, body: Bytes) -> Bytes {
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    let unpacked = if body.starts_with(GZIP) {
        gzip_data(&body).map(|data| inflated(decompress_to_vec_with_limit(data, MAX_BODY)))
    } else if encoding == "deflate" {
        let with_head = inflated(decompress_to_vec_zlib_with_limit(&body, MAX_BODY));
        let is_bare = with_head.is_empty();
        Some(if is_bare {
            inflated(decompress_to_vec_with_limit(&body, MAX_BODY))
        } else {
            with_head
        })
    } else {
        None
    };
    unpacked.filter(|unpacked| !unpacked.is_empty()).map_or(body, Bytes::from)
}

/// What came out, also of a body that was cut or was too long.
fn inflated(outcome: Result<Vec<u8>, DecompressError>) -> Vec<u8> {
    outcome.unwrap_or_else(|DecompressError { mut output, .. }| {
        // Its room is filled up with zeros, which no text ends in.
        let length = output.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        output.truncate(length);
        output
    })
}

/// What follows a gzip file's head.
fn gzip_data(file: &[u8]) -> Option<&[u8]> {
    let (flags, mut rest) = (*file.get(3)?, file.get(10..)?);
    if flags & 4 != 0 {
        let length = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + length..)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

    use super::*;

    fn gzip(flags: u8, names: &[u8], text: &[u8]) -> Bytes {
        let head = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        Bytes::from([&head, names, &compress_to_vec(text, 6), &[0; 8]].concat())
    }

    #[test]
    fn field_36_a_packed_body_is_unpacked() {
        let text = br#"{"data": {"taskId": "t1"}}"#;
        let packed = [
            (None, gzip(0, b"", text)),
            (Some("gzip"), gzip(8, b"a name\0", text)),
            (Some("x-gzip"), gzip(4 | 16 | 2, b"\x02\0xya comment\0cc", text)),
            (Some("deflate"), Bytes::from(compress_to_vec_zlib(text, 6))),
            (Some("Deflate "), Bytes::from(compress_to_vec(text, 6))),
            (Some("gzip"), Bytes::from_static(text)),
        ];
        for (encoding, body) in packed {
            assert_eq!(unpack(encoding, body), text.as_slice(), "{encoding:?}");
        }
        let whole = gzip(0, b"", text);
        let cut = whole.slice(..whole.len() - 10);
        assert!(unpack(None, cut).starts_with(br#"{"data""#));
        let bomb = gzip(0, b"", &vec![b' '; 8 * MAX_BODY]);
        assert!(unpack(None, bomb).len() <= MAX_BODY + 1);
        for end in 0..whole.len() {
            unpack(Some("deflate"), whole.slice(end..));
            unpack(None, whole.slice(..end));
        }
    }
}

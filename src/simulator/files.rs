//! Files that are sent before a request names them. The simulator keeps none of them: it says a URL
//! that follows from the content, so that the same file is the same request.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::reply::Answered;
use crate::catalog::hex;

/// The longest form with a file, in bytes.
pub const MAX_FORM: usize = 100_000_000;
/// Where files would lie: a name that can never resolve.
const HOST: &str = "https://files.simulator.invalid";

/// The answer to a file with this SHA-256.
pub fn kept(sha256: &[u8; 32]) -> Answered {
    let url = format!("{HOST}/{}", hex(sha256));
    Answered::json(200, &json!({"code": 200, "msg": "success", "data": {"publicUrl": url}}))
}

/// The answer to a form with a field `file`.
pub fn taken(content_type: &str, form: &[u8]) -> Answered {
    match file(content_type, form) {
        Some([]) => Answered::refusal(400, "Bad Request: the file is empty", false),
        Some(file) => kept(&Sha256::digest(file).into()),
        None => Answered::refusal(400, "Bad Request: the form has no field `file`", false),
    }
}

/// The content of the form's field `file`.
fn file<'f>(content_type: &str, form: &'f [u8]) -> Option<&'f [u8]> {
    let boundary = content_type.strip_prefix("multipart/form-data")?.split_once("boundary=")?.1;
    let mark = format!("--{}", boundary.trim().trim_matches('"')).into_bytes();
    let mut rest = form.get(find(form, &mark)? + mark.len()..)?;
    let end = [b"\r\n", mark.as_slice()].concat();
    loop {
        let length = find(rest, &end)?;
        let (part, after) = rest.split_at_checked(length)?;
        let head = find(part, b"\r\n\r\n")?;
        let is_file = find(part.get(..head)?, b"name=\"file\"").is_some();
        if is_file {
            return part.get(head + 4..);
        }
        rest = after.get(end.len()..)?;
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_to_its_file() {
        let form = b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b\r\nContent-Disposition: \
                     form-data; name=\"file\"; filename=\"a\"\r\n\r\nab\r\n\r\nc\r\n--b--\r\n";
        let kind = "multipart/form-data; boundary=b";
        assert_eq!(file(kind, form), Some(b"ab\r\n\r\nc".as_slice()));
        for cut in [0, 20, 100, form.len() - 9] {
            assert_eq!(file(kind, &form[..cut]), None, "{cut}");
        }
        assert_eq!(file("application/json", form), None);
        assert_eq!(taken(kind, &form[..50]).status, 400);
        assert_eq!(taken(kind, form).status, 200);
    }
}

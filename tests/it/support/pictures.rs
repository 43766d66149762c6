//! Pictures of a few bytes: headers that are right, and hardly any pixels.

/// A PNG of that size.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend(b"\x08\x02\0\0\0????\0\0\0\x10IDAT0123456789abcdef????");
    png.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
    png
}

/// EXIF data with an orientation: TIFF with one entry.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// A JPEG of that size with an EXIF orientation.
pub fn jpeg(width: u16, height: u16, orientation: u8) -> Vec<u8> {
    let mut jpeg = b"\xff\xd8".to_vec();
    let mut segment = |marker: u8, data: &[u8]| {
        jpeg.extend([0xff, marker]);
        jpeg.extend(u16::try_from(data.len() + 2).unwrap().to_be_bytes());
        jpeg.extend(data);
    };
    segment(0xe1, &[b"Exif\0\0".as_slice(), &exif(orientation)].concat());
    let [a, b, c, d] = [height.to_be_bytes(), width.to_be_bytes()].concat()[..] else { panic!() };
    segment(0xc0, &[8, a, b, c, d, 1, 1, 0x11, 0]);
    segment(0xda, &[1, 1, 0, 0, 63, 0]);
    jpeg.extend(b"pixels\xff\xd9");
    jpeg
}

/// A WebP of that size with an EXIF orientation.
pub fn webp(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    let canvas = [vec![8, 0, 0, 0], side(width), side(height)].concat();
    let chunk = |name: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let pad = vec![0; data.len() % 2];
        [name, &length, data, &pad].concat()
    };
    let chunks = [b"WEBP".to_vec(), chunk(b"VP8X", &canvas), chunk(b"EXIF", &exif(orientation))];
    chunk(b"RIFF", &chunks.concat())
}

/// A box of a film.
fn film_box(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&length, kind, content].concat()
}

/// A film with so many bytes of pictures.
pub fn mp4(bytes: usize) -> Vec<u8> {
    let pictures = vec![7; bytes];
    let boxes = [(b"ftyp", b"isom\0\0\0\0".as_slice()), (b"mdat", &pictures), (b"moov", b"index")];
    boxes.into_iter().flat_map(|(kind, content)| film_box(kind, content)).collect()
}

/// A picture as a case of a text file writes it: `800x600`, `jpeg 800x600 turned 6`,
/// `png 800x600 cut 60`, `heic`, `zeros`.
pub fn drawn(written: &str) -> Vec<u8> {
    let words: Vec<&str> = written.split(' ').collect();
    let (kind, rest) = words.split_first().unwrap();
    let size = || {
        let (width, height) = rest[0].split_once('x').unwrap();
        (width.parse().unwrap(), height.parse().unwrap())
    };
    let turned = || match rest.iter().position(|word| *word == "turned") {
        Some(at) => rest[at + 1].parse().unwrap(),
        None => 1,
    };
    let mut bytes = match *kind {
        "png" => png(size().0, size().1),
        "jpeg" => {
            let (width, height) = size();
            jpeg(width.try_into().unwrap(), height.try_into().unwrap(), turned())
        }
        "webp" => webp(size().0, size().1, turned()),
        "heic" => b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(),
        "gif" => b"GIF89a and the rest".to_vec(),
        "page" => b"<!DOCTYPE html><html>".to_vec(),
        "mp4" => mp4(100),
        "mov" => [film_box(b"wide", b""), film_box(b"mdat", b"film"), film_box(b"moov", b"index")]
            .concat(),
        "song" => [film_box(b"ftyp", b"M4A \0\0\0\0"), film_box(b"moov", b"index")].concat(),
        "webm" => b"\x1aE\xdf\xa3 and the rest".to_vec(),
        "zeros" => vec![0; 64],
        // What Apple makes of a PNG for its phones: another chunk stands first.
        "apple" => {
            let first = b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI\x50\0\x20\x06????".as_slice();
            [first, &png(640, 480)[8..]].concat()
        }
        // The beginning alone, and what is behind it in no file of that kind.
        "png-head" => b"\x89PNG\r\n\x1a\n".to_vec(),
        "png-word" => b"\x89PNG\r\n\x1a\nhello, this is a text and no picture at all".to_vec(),
        "png-flat" => png(0, 720),
        "jpeg-word" => b"\xff\xd8\xffhello".to_vec(),
        "jpeg-bare" => b"\xff\xd8\xff\xda\0\x08\x01\x01\0\0\x3f\0pixels\xff\xd9".to_vec(),
        "webp-bare" => b"RIFF\x0c\0\0\0WEBPXXXX\0\0\0\0".to_vec(),
        // Its height is told behind the pixels.
        "jpeg-tall" => jpeg(1280, 0, 1),
        other => panic!("unknown picture {other}"),
    };
    if let Some(at) = rest.iter().position(|word| *word == "cut") {
        bytes.truncate(rest[at + 1].parse().unwrap());
    }
    if let Some(at) = rest.iter().position(|word| *word == "megabytes") {
        let end = bytes.split_off(bytes.len() - 12);
        bytes.resize(rest[at + 1].parse::<usize>().unwrap() * 1_000_000, 0);
        bytes.extend(end);
    }
    bytes
}

//! How many bytes of local files are in memory at once.

use bytes::Bytes;
use futures::FutureExt as _;
use rushes::domain::shot::{FileKind, LocalFile, Request};
use rushes::provider::{FileContent, LoadBudget, LoadedFiles};
use sha2::{Digest, Sha256};

#[test]
fn field_45_files_wait_until_those_before_them_were_sent() {
    let folder = tempfile::tempdir().unwrap();
    let request = |bytes: usize| {
        let path = folder.path().join(format!("{bytes}.png"));
        std::fs::write(&path, vec![7; bytes]).unwrap();
        let sha256 = Sha256::digest(vec![7; bytes]).into();
        let (param, written) = ("image".into(), "a.png".into());
        let file = LocalFile {
            param,
            kind: FileKind::Picture,
            path,
            written,
            sha256,
            bytes: bytes as u64,
        };
        Request { json: "{}".into(), files: vec![file].into() }
    };
    let budget = LoadBudget::new(100);
    let read = |request: &Request| {
        let bytes = request.files.iter().map(|file| file.bytes).sum();
        let share = budget.share_of(bytes).now_or_never()?;
        Some(LoadedFiles::read(request, &share).unwrap())
    };
    let (first, second) = (read(&request(60)).unwrap(), read(&request(40)).unwrap());
    assert!(read(&request(1)).is_none());
    // The bytes count as long as something holds them.
    let bytes = bytes_of(&second);
    drop(second);
    assert!(read(&request(1)).is_none());
    drop(bytes);
    let third = read(&request(40)).unwrap();
    // What is bigger than all there is goes alone.
    assert!(read(&request(500)).is_none());
    drop((first, third));
    assert_eq!(bytes_of(&read(&request(500)).unwrap()).len(), 500);
}

fn bytes_of(files: &LoadedFiles) -> Bytes {
    match &files.0[0].content {
        FileContent::Inline(bytes) => bytes.clone(),
        FileContent::Url(url) => panic!("{url}"),
    }
}

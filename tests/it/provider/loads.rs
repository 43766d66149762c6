//! How many bytes of local files are in memory at once.

use futures::FutureExt as _;
use rushes::domain::shot::{LocalFile, Request};
use rushes::provider::{LoadBudget, LoadedFiles};
use sha2::{Digest, Sha256};

#[test]
fn field_45_files_wait_until_those_before_them_were_sent() {
    let folder = tempfile::tempdir().unwrap();
    let request = |bytes: usize| {
        let path = folder.path().join(format!("{bytes}.png"));
        std::fs::write(&path, vec![7; bytes]).unwrap();
        let sha256 = Sha256::digest(vec![7; bytes]).into();
        let (param, written) = ("image".into(), "a.png".into());
        let file = LocalFile { param, path, written, sha256, bytes: bytes as u64 };
        Request { json: "{}".into(), files: vec![file].into() }
    };
    let budget = LoadBudget::new(100);
    let read = |request: &Request| {
        let share = budget.share(request).now_or_never()?;
        Some(LoadedFiles::read_with(request, &share).unwrap())
    };
    let (first, second) = (read(&request(60)).unwrap(), read(&request(40)).unwrap());
    assert!(read(&request(1)).is_none());
    // The bytes count as long as something holds them.
    let bytes = second.0[0].bytes.clone();
    drop(second);
    assert!(read(&request(1)).is_none());
    drop(bytes);
    let third = read(&request(40)).unwrap();
    // What is bigger than all there is goes alone.
    assert!(read(&request(500)).is_none());
    drop((first, third));
    assert_eq!(read(&request(500)).unwrap().0[0].bytes.len(), 500);
}

//! A store of clips in memory that several workers share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::{BoxFuture, Either, ready};
use rushes::clips::{ClipError, ClipReader, ClipStore, ClipWriter, Stored, Writing};
use rushes::domain::time::Timestamp;
use sha2::{Digest, Sha256};

/// What lies there, by path.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Shelf {
    /// Whether a clip lies there as it was stored.
    pub fn has(&self, path: &str, sha256: &[u8]) -> bool {
        let shelf = self.0.lock().unwrap();
        shelf.get(path).is_some_and(|clip| Sha256::digest(clip).as_slice() == sha256)
    }

    /// Puts a clip at its path, or beside another one that has it.
    fn put(&self, path: &str, clip: Bytes) -> Stored {
        let mut shelf = self.0.lock().unwrap();
        let mut place = path.to_owned();
        let mut number = 0;
        while shelf.get(&place).is_some_and(|there| *there != clip) {
            number += 1;
            place = path.replace(".mp4", &format!("~aside-{number}.mp4"));
        }
        let (bytes, sha256) = (clip.len() as u64, Sha256::digest(&clip).into());
        let moved_aside = (place != path).then(|| place.clone());
        shelf.insert(place.clone(), clip);
        let unread = Some("nothing is read here".into());
        Stored { path: place, bytes, sha256, clip_info: None, unread, moved_aside }
    }
}

impl ClipStore for Shelf {
    fn begin(&self, path: &str) -> Result<Box<dyn ClipWriter>, ClipError> {
        let (shelf, path) = (self.clone(), path.to_owned());
        Ok(Box::new(Writer { shelf, path, received: BytesMut::new() }))
    }

    fn adopt<'a>(
        &'a self,
        path: &'a str,
        _submitted_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Stored>, ClipError>> {
        let there = self.0.lock().unwrap().get(path).cloned();
        ready(Ok(there.map(|clip| self.put(path, clip)))).boxed()
    }

    fn open<'a>(
        &'a self,
        _path: &'a str,
        _from: u64,
    ) -> BoxFuture<'a, Result<Option<ClipReader>, ClipError>> {
        ready(Ok(None)).boxed()
    }
}

struct Writer {
    shelf: Shelf,
    path: String,
    received: BytesMut,
}

impl ClipWriter for Writer {
    fn len(&self) -> u64 {
        self.received.len() as u64
    }

    fn write(&mut self, bytes: Bytes) -> Writing<'_> {
        self.received.extend_from_slice(&bytes);
        Either::Left(ready(Ok(())))
    }

    fn restart(&mut self) -> BoxFuture<'_, Result<(), ClipError>> {
        self.received.clear();
        ready(Ok(())).boxed()
    }

    fn publish(
        self: Box<Self>,
        total: Option<u64>,
    ) -> BoxFuture<'static, Result<Stored, ClipError>> {
        let clip = self.received.freeze();
        let is_whole = total.is_none_or(|total| total == clip.len() as u64) && is_boxes(&clip);
        let stored = if is_whole {
            Ok(self.shelf.put(&self.path, clip))
        } else {
            Err(ClipError::NotAClip("it is cut or no clip".to_owned()))
        };
        ready(stored).boxed()
    }
}

/// Whether it consists of whole boxes, as an MP4 does.
fn is_boxes(clip: &[u8]) -> bool {
    let mut rest = clip;
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        match rest.get(length..) {
            Some(after) if length >= 8 => rest = after,
            _ => return false,
        }
    }
    rest.is_empty() && clip.get(4..8) == Some(b"ftyp")
}

//! What storing clips costs: CPU time for each of many small clips, 64 at a time on one thread with
//! the store's own beside it, and megabytes a second for large ones; before it, what the disk alone
//! costs a plain loop. `cargo bench --bench clips [CLIPS]`; for one core begin with `taskset -c 0`.
//! Linux only: the figures come from `/proc`.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![allow(clippy::cast_precision_loss, reason = "it prints figures")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use rushes::blocking::Threads;
use rushes::clips::{ClipStore, FolderStore, clip_path};

type Failure = Box<dyn std::error::Error>;

/// Clips on their way at once.
const IN_FLIGHT: usize = 64;
/// As bytes come from a socket.
const CHUNK: usize = 16 << 10;
const SMALL: usize = 20_000;
const LARGE: usize = 10_000_000;

fn main() -> Result<(), Failure> {
    let small: usize = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(3000);
    let large = small.div_ceil(50);
    for _ in 0..3 {
        measured("a plain loop", small, SMALL, |folder| plain(folder, small, &film(SMALL)))?;
        measured("the store", small, SMALL, |folder| store(folder, small, &film(SMALL)))?;
    }
    for _ in 0..3 {
        measured("a plain loop", large, LARGE, |folder| plain(folder, large, &film(LARGE)))?;
        measured("the store", large, LARGE, |folder| store(folder, large, &film(LARGE)))?;
    }
    Ok(())
}

/// A film of an encoder, with free space behind it up to a length.
fn film(length: usize) -> Bytes {
    let mut film = include_bytes!("../src/simulator/assets/square.mp4").to_vec();
    let rest = length.saturating_sub(film.len());
    film.extend(u32::try_from(rest).unwrap_or(u32::MAX).to_be_bytes());
    film.extend(b"free");
    film.resize(length, 0);
    film.into()
}

/// Runs `work` in a folder of its own and says what each of its clips cost.
fn measured(
    what: &str,
    clips: usize,
    length: usize,
    work: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let (began, busy) = (Instant::now(), cpu());
    work(folder.path())?;
    let (wall, busy) = (began.elapsed().as_secs_f64(), cpu() - busy);
    let each = busy / clips as f64 * 1e6;
    let (a_second, megabytes) = (clips as f64 / wall, (clips * length) as f64 / 1e6);
    writeln!(
        std::io::stdout(),
        "{what:<12} {clips:>6} clips of {:>6} kB: {each:>6.0} µs of CPU a clip, {a_second:>6.0} \
         clips a second, {:>6.0} MB/s, {:>6.0} MB for a second of CPU",
        length / 1000,
        megabytes / wall,
        megabytes / busy,
    )?;
    Ok(())
}

/// CPU seconds of this process so far, all threads.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Writes, syncs and renames each, and syncs the folder.
fn plain(folder: &Path, clips: usize, bytes: &[u8]) -> Result<(), Failure> {
    let opened = File::open(folder)?;
    for number in 0..clips {
        let part = folder.join(format!("{number}.part"));
        let mut file = File::create_new(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, folder.join(format!("{number}.mp4")))?;
        opened.sync_all()?;
    }
    Ok(())
}

/// Stores each, many at once.
fn store(folder: &Path, clips: usize, film: &Bytes) -> Result<(), Failure> {
    let store = FolderStore::open(folder, Threads::Pool)?;
    let one = |number: usize| {
        let (store, film) = (&store, film.clone());
        async move {
            let mut writer = store.begin(&clip_path(&number.to_string(), 1, 1))?;
            let mut at = 0;
            while at < film.len() {
                let end = film.len().min(at + CHUNK);
                writer.write(film.slice(at..end)).await?;
                at = end;
            }
            writer.publish(Some(film.len() as u64)).await.map(drop)
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = stream::iter(0..clips).map(one).buffer_unordered(IN_FLIGHT);
    runtime.block_on(all.try_collect::<()>())?;
    Ok(())
}

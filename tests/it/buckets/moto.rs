//! The same with an S3 that others wrote: moto, which checks what it is sent against Amazon's model.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use rushes::blocking::Threads;
use rushes::clips::{Bucket, BucketSettings, BucketStore, ClipStore, Sweep};
use rushes::simulator::Profile;

use super::{OUT, at, report, run};
use crate::disk::{CLIP, all_delivered};
use crate::kills::Simulator;
use crate::support::s3::variables;

/// Serves until the test's end of the pipe is gone, however the test ends.
const SERVE: &str = "
import os, sys, logging
logging.getLogger('werkzeug').setLevel(logging.ERROR)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer('127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
os._exit(0)
";

/// An S3 with the bucket `films`; gone when dropped.
struct Moto {
    process: Child,
    port: u16,
}

impl Moto {
    fn start() -> Self {
        let mut process = Command::new(crate::support::python("moto.sh"))
            .args(["-c", SERVE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        let moto = Self { process, port: said.trim().parse().expect("moto says its port") };
        assert_eq!(moto.ask("PUT", "/films").0, 200, "the bucket is made");
        moto
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Status and body of a request without a signature.
    fn ask(&self, method: &str, target: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-length: 0\r\n\
             connection: close\r\n\r\n",
            self.port
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }

    /// The keys in the bucket.
    fn keys(&self) -> Vec<String> {
        let (_, list) = self.ask("GET", "/films?list-type=2");
        let list = String::from_utf8(list).unwrap();
        let keys = list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(ToOwned::to_owned).collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_clip_in_parts_in_somebody_elses_s3() {
    const MIB: u32 = 1 << 20;
    let (moto, home) = (Moto::start(), tempfile::tempdir().unwrap());
    let url = OUT.parse().unwrap();
    let bucket = Bucket::new(&url, BucketSettings::new(variables(&moto.url()))).unwrap();
    assert!(bucket.probe().await.unwrap(), "moto heeds the condition");
    // Parts of 6 MiB, and a last one: S3 takes no shorter ones but the last.
    let free = |byte: u8| {
        let body = vec![byte; 13 * MIB as usize];
        let size = 8 + 13 * MIB;
        Bytes::from([CLIP, &size.to_be_bytes(), b"free", &body].concat())
    };
    let store = BucketStore::open(bucket, home.path(), true, Threads::Pool, Sweep::All);
    let store = store.unwrap().with_max_put(u64::from(6 * MIB));
    let publish = async |bytes: Bytes| {
        let mut writer = store.begin("clips/a.mp4").unwrap();
        let length = bytes.len() as u64;
        writer.write(bytes).await.unwrap();
        writer.publish(Some(length)).await.unwrap()
    };
    let first = publish(free(1)).await;
    assert_eq!(first.path, "clips/a.mp4");
    assert_eq!(publish(free(1)).await, first, "it is ours");
    assert_eq!(publish(free(2)).await.path, "clips/a~aside-1.mp4");
    let read = store.open("clips/a.mp4", 100).await.unwrap().unwrap();
    let bytes = read.bytes.try_collect::<BytesMut>().await.unwrap();
    assert!(read.len == first.bytes && bytes == free(1)[100..], "it is whole");
    assert_eq!(store.look("clips/a.mp4").await.unwrap(), Some(first));
}

#[cfg(unix)]
#[test]
fn a_campaign_in_somebody_elses_s3() {
    let moto = Moto::start();
    let sandbox = at(&moto.url(), &["a", "b", "海"]);
    let gateway = Simulator::start(&sandbox, Profile::Calm, 1, "20ms..60ms");
    let url = gateway.url();
    let words = run(&url, &[]);
    sandbox.run_words(&run(&url, &["--no-download"])).exits(1);
    // Killed between the PUT's answer and the commit, twice, with no POST on the wire.
    for _ in 0..2 {
        let died = sandbox.command(&words).env("RUSHES_DIE_AT", "clips stored:1").output().unwrap();
        assert_eq!(died.status.code(), None, "{died:?}");
    }
    sandbox.run_words(&words).exits(0);
    all_delivered(&report(&sandbox), 3);
    assert_eq!(gateway.books().purchases.len(), 3, "nothing is bought twice");
    assert_eq!(
        moto.keys(),
        [
            "summer/.rushes-probe",
            "summer/clips/a.mp4",
            "summer/clips/b.mp4",
            "summer/clips/海.mp4",
            "summer/contact-sheet.html",
            "summer/ledger.id",
            "summer/results.csv",
        ]
    );
    assert_eq!(moto.ask("GET", "/films/summer/clips/a.mp4").0, 403, "it is not for everyone");
    // A link serves without credentials.
    let html = ["report", "shots.yaml", "--format", "html", "--links", "1h"];
    let page = sandbox.run(html).exits(0).stdout();
    let page = std::fs::read_to_string(sandbox.path(page.trim_end())).unwrap();
    let link = page.split("\"link\":\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap().replace("\\u0026", "&");
    let (status, clip) = moto.ask("GET", link.strip_prefix(&moto.url()).unwrap());
    assert_eq!((status, &clip[4..8]), (200, &b"ftyp"[..]));
    let check = ["check", "shots.yaml", "--out", OUT, "--api-base", &url];
    let words = sandbox.run(check).stdout().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("s3://films/summer can be listed, read and written"), "{words}");
    // The ledger is lost.
    std::fs::remove_dir_all(sandbox.path("renders")).unwrap();
    sandbox.run_words(&run(&url, &[])).exits(2).warns("3 clips lie in s3://films/summer/clips");
    assert_eq!(gateway.books().purchases.len(), 3);
}

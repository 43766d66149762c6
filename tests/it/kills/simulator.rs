//! `rushes sim` as a process of its own, which lives on when a run is killed, and its books.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use rushes::simulator::{Accounts, Profile};

use crate::sandbox::Sandbox;

/// A running simulator; ended when dropped.
pub struct Simulator {
    child: Child,
    address: SocketAddr,
}

impl Simulator {
    /// Starts one that keeps its journal in the sandbox.
    pub fn start(sandbox: &Sandbox, profile: Profile, seed: u64, render: &str) -> Self {
        let (profile, seed) = (profile.name(), seed.to_string());
        let words = ["sim", "--listen", "127.0.0.1:0", "--dir", "simulator", "--profile", profile];
        let words = [&words[..], &["--seed", &seed, "--render", render]].concat();
        let mut command = sandbox.command(&words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        let address = said.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { child, address }
    }

    /// For `--api-base`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its books as they are now.
    pub fn books(&self) -> Accounts {
        self.get("/sim/books")
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
            .write_all(
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
            )
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

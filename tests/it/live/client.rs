//! A browser of few words: one request a connection, and what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where a page is: `http://ADDRESS/PREFIX`.
#[derive(Clone, Debug)]
pub struct Site {
    pub address: SocketAddr,
    pub prefix: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Site {
    pub fn at(url: &str) -> Self {
        let (address, prefix) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        Self { address: address.parse().unwrap(), prefix: format!("/{prefix}") }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    pub fn press(&self, button: &str) -> u16 {
        self.ask("POST", button, &[("X-Rushes", "1")]).status
    }

    /// Asks below the prefix, under the site's own name.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let host = self.address.to_string();
        let own = [("Host", host.as_str())];
        let own = if headers.iter().any(|(name, _)| *name == "Host") { &own[..0] } else { &own };
        let lines =
            own.iter().chain(headers).map(|(name, value)| [name, ": ", value, "\r\n"].concat());
        let lines = lines.collect::<Vec<_>>().concat();
        // To 1.0 the answer is sent as it is, not in chunks.
        let request = format!("{method} {}{path} HTTP/1.0\r\n{lines}\r\n", self.prefix);
        self.exchange(request.as_bytes()).unwrap_or_else(|| panic!("no answer to {request}"))
    }

    /// Sends bytes as they are; `None` when no answer came back.
    pub fn exchange(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = self.connect();
        // Who is cut while writing reads what there is to read all the same.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let at = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(answer[..at].to_vec()).unwrap();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head, body: answer[at + 4..].to_vec() })
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Follows the events; the status when it may not.
    pub fn follow(&self) -> Result<Events, u16> {
        let mut stream = self.connect();
        let Self { address, prefix } = self;
        write!(stream, "GET {prefix}events HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).unwrap() > 0 {}
        match head.split(' ').nth(1).map(|status| status.parse().unwrap()) {
            Some(200) => Ok(Events { lines, seen: String::new() }),
            status => Err(status.unwrap_or(0)),
        }
    }
}

/// Server-sent events.
pub struct Events {
    lines: BufReader<TcpStream>,
    /// All that came, as it came.
    pub seen: String,
}

impl Events {
    /// The next event; `None` at the end of the connection.
    pub fn next(&mut self) -> Option<(String, Value)> {
        let (mut name, mut data) = (String::new(), None);
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            self.seen += &line;
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => {
                    assert!(data.is_none(), "JSON on one line");
                    data = Some(serde_json::from_str(value).unwrap());
                }
                None if data.is_some() => return data.map(|data| (name, data)),
                Some(("retry" | "", _)) | None => {}
                other => panic!("not an event: {other:?}"),
            }
        }
    }

    /// Goes on until `found` says so; all events on the way, that one included.
    pub fn until(&mut self, found: impl Fn(&str, &Value) -> bool) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some((name, data)) = self.next() {
            let done = found(&name, &data);
            all.push((name, data));
            if done {
                return all;
            }
        }
        panic!("the events ended before that: {all:?}")
    }

    pub fn until_run(&mut self, state: &str) -> Value {
        self.until(|name, data| name == "run" && data["state"] == state).pop().unwrap().1
    }
}

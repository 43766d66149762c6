//! Which requests are answered, and that slow clients hold up nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rushes::scheduler::Progress;
use serde_json::json;

use super::client::Events;
use super::rig::Rig;
use crate::scheduler::stage::shots;

#[test]
fn every_answer_says_that_it_may_not_be_kept_or_embedded() {
    let rig = Rig::new(&shots(2));
    for (method, path, status) in [
        ("GET", "", 200),
        ("HEAD", "", 200),
        ("GET", "metrics", 200),
        ("GET", "healthz", 200),
        ("GET", "clips/s000.mp4", 200),
        ("GET", "ledger.sqlite", 404),
        ("GET", "nothing", 404),
        ("GET", "pause", 405),
        ("PUT", "", 405),
        ("DELETE", "clips/s000.mp4", 405),
        ("HEAD", "events", 405),
        ("POST", "stop", 403),
    ] {
        let answer = rig.site.ask(method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
    }
    let page = rig.site.get("");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("s001"), "{}", page.text());
}

#[test]
fn away_from_loopback_there_is_nothing_without_the_token() {
    let rig = Rig::at("0.0.0.0:0", &shots(1));
    let token = rig.site.prefix.trim_matches('/').to_owned();
    assert_eq!(token.len(), 32);
    assert_eq!(rig.site.get("").status, 200);
    assert_eq!(rig.site.ask("GET", "healthz", &[("Host", "studio.example")]).status, 200);
    let mut other = rig.site.clone();
    let last = if token.ends_with('0') { '1' } else { '0' };
    let wrong = format!("/{}{last}/", &token[..31]);
    let upper = format!("/{}/", token.to_uppercase());
    for prefix in ["/", &wrong, &upper, &format!("/{}/", &token[..31]), &format!("//{token}/")] {
        if *prefix == rig.site.prefix {
            continue;
        }
        other.prefix = prefix.to_owned();
        for path in ["", "events", "clips/s000.mp4", "metrics", "healthz"] {
            let answer = other.get(path);
            assert_eq!((answer.status, answer.text()), (404, "nothing is here".into()), "{path}");
        }
        assert_eq!(other.press("stop"), 404);
    }
    assert!(!rig.stop.is_cancelled());
    assert_eq!(rig.site.press("pause"), 204);
    assert!(rig.pause.is_paused());
}

#[test]
fn pages_of_other_sites_neither_press_nor_read() {
    let rig = Rig::new(&shots(1));
    let own = format!("http://{}", rig.site.address);
    for (headers, status) in [
        (vec![], 403),
        (vec![("X-Rushes", "0")], 403),
        (vec![("X-Rushes", "1"), ("Origin", "https://evil.example")], 403),
        (vec![("X-Rushes", "1"), ("Origin", "null")], 403),
        (vec![("X-Rushes", "1"), ("Host", "evil.example")], 421),
        (vec![("Content-Type", "text/plain"), ("Origin", own.as_str())], 403),
    ] {
        let answer = rig.site.ask("POST", "stop", &headers);
        assert_eq!(answer.status, status, "{headers:?}");
    }
    assert_eq!(rig.site.ask("GET", "", &[("Host", "rebound.example")]).status, 421);
    assert_eq!(rig.site.ask("GET", "events", &[("Origin", "http://evil.example")]).status, 403);
    let preflight = [("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST")];
    let preflight = rig.site.ask("OPTIONS", "stop", &preflight);
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (403, None));
    assert!(!rig.stop.is_cancelled() && !rig.pause.is_paused());
    let answer = rig.site.ask("POST", "stop", &[("X-Rushes", "1"), ("Origin", &own)]);
    assert_eq!(answer.status, 204);
    assert!(rig.stop.is_cancelled());
}

#[test]
fn a_new_page_gets_every_row_and_then_what_changed() {
    let mut rig = Rig::new(&shots(450));
    let mut events = rig.site.follow().ok().unwrap();
    let mut keys = Vec::new();
    let mut sizes = Vec::new();
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "all") || keys.is_empty() {
        let (name, data) = events.next().unwrap();
        if name == "shots" {
            let shots = data.as_array().unwrap();
            sizes.push(shots.len());
            keys.extend(shots.iter().map(|shot| shot["key"].as_str().unwrap().to_owned()));
        }
        names.push(name);
    }
    assert_eq!(sizes, [200, 200, 50]);
    assert_eq!(names, ["run", "all", "head", "shots", "shots", "shots", "all"]);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 450);

    let conn = rusqlite::Connection::open(rig.folder.join("ledger.sqlite")).unwrap();
    conn.execute("UPDATE revisions SET tags = '[]', why = 'new' WHERE shot = 's007'", []).unwrap();
    conn.execute("UPDATE revisions SET delivered_at = 1 WHERE shot = 's007'", []).unwrap();
    conn.execute("UPDATE revisions SET request = '{\"prompt\":\"x\"}' WHERE shot = 's007'", [])
        .unwrap();
    rig.progress.send_modify(|progress| progress.rendering = 7);
    let news = events.until(|name, data| name == "run" && data["in_flight"] == 7);
    let (shots, runs): (Vec<_>, Vec<_>) = news.into_iter().partition(|(name, _)| name == "shots");
    assert_eq!(runs.last().unwrap().1["in_flight"], 7);
    let changed: Vec<_> = shots.iter().flat_map(|(_, shots)| shots.as_array().unwrap()).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0]["key"], "s007");
    rig.close();
}

#[test]
fn the_end_is_told_and_every_connection_closed() {
    let mut rig = Rig::new(&shots(3));
    let mut pages: Vec<Events> = (0..3).map(|_| rig.site.follow().ok().unwrap()).collect();
    for page in &mut pages {
        page.until(|name, _| name == "shots");
    }
    rig.progress.send_modify(|progress| progress.paused = true);
    assert_eq!(pages[0].until_run("paused")["why"], json!(null));
    let mut idle = rig.site.connect();
    let mut half = rig.site.connect();
    half.write_all(b"GET / HT").unwrap();
    let began = Instant::now();
    rig.close();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for mut page in pages {
        let last = page.until_run("ended");
        assert_eq!((&last["why"], &last["rate"]), (&json!("the cap"), &json!("2/s")));
        assert_eq!(page.next(), None);
    }
    for stream in [&mut idle, &mut half] {
        let ended = stream.read(&mut [0; 10]);
        let over = ended.as_ref().err().map(std::io::Error::kind);
        assert!(ended.is_err() || matches!(ended, Ok(0)), "{ended:?}");
        assert_ne!(over, Some(std::io::ErrorKind::WouldBlock));
    }
    drop(TcpListener::bind(rig.site.address).unwrap());
}

#[test]
fn what_changed_last_is_told_before_the_end() {
    let mut rig = Rig::new(&shots(3));
    let mut page = rig.site.follow().ok().unwrap();
    page.until(|name, data| name == "all" && data == "end");
    let conn = rusqlite::Connection::open(rig.folder.join("ledger.sqlite")).unwrap();
    conn.execute("UPDATE revisions SET request = '{\"prompt\":\"x\"}' WHERE shot = 's001'", [])
        .unwrap();
    // The run tells no progress: only its end is a reason to read.
    rig.close();
    let news = page.until(|name, data| name == "run" && data["state"] == "ended");
    let changed: Vec<_> = news.iter().filter(|(name, _)| name == "shots").collect();
    assert_eq!(changed.len(), 1, "{news:?}");
    assert_eq!(
        (changed[0].1.as_array().unwrap().len(), &changed[0].1[0]["key"]),
        (1, &json!("s001"))
    );
    assert_eq!(page.next(), None);
}

#[test]
fn more_pages_than_there_are_places_are_told_so_and_the_buttons_still_work() {
    let rig = Rig::new(&shots(1));
    let pages: Vec<_> = (0..40).map(|_| rig.site.follow()).collect();
    let refused = pages.iter().filter(|page| page.as_ref().err() == Some(&503)).count();
    assert_eq!((pages.iter().flatten().count(), refused), (32, 8));
    assert_eq!(rig.site.get("healthz").text(), "ok\n");
    assert_eq!(rig.site.press("pause"), 204);
    drop(pages);
    // A place is free again as soon as the server has seen that its page is gone.
    let began = Instant::now();
    while rig.site.follow().is_err() {
        assert!(began.elapsed() < super::client::PATIENCE, "no place comes free");
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_stands_in_no_other_way() {
    let rig = Rig::new(&shots(300));
    let slow: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = rig.site.connect();
            let host = rig.site.address;
            write!(stream, "GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
            stream
        })
        .collect();
    let mut page = rig.site.follow().ok().unwrap();
    page.until(|name, _| name == "shots");
    // Far more news than anybody is allowed to be behind: each state is told at once.
    for n in 0..2000 {
        rig.progress.send_modify(|progress| progress.paused = n % 2 == 0);
    }
    rig.progress.send_modify(|progress| {
        progress.paused = true;
        progress.submitting = 77;
    });
    page.until(|name, data| name == "run" && data["in_flight"] == 77);
    assert_eq!(rig.site.get("healthz").status, 200);
    drop(slow);
}

#[test]
fn nonsense_is_cut_or_refused_and_the_page_goes_on() {
    let rig = Rig::new(&shots(1));
    let host = rig.site.address;
    let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n");
    let sent = [
        "\0".repeat(100_000).into_bytes(),
        (0..=255).cycle().take(50_000).collect(),
        format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20)).into_bytes(),
        format!("{head}{}\r\n", "X: y\r\n".repeat(100_000)).into_bytes(),
        format!("GET /{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "x".repeat(200_000)).into_bytes(),
        format!("POST /stop HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n").into_bytes(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_vec(),
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
    ];
    for bytes in sent {
        let status = rig.site.exchange(&bytes).map(|answer| answer.status);
        let began = String::from_utf8_lossy(&bytes[..20]).into_owned();
        assert!(status.is_none_or(|status| status >= 400), "{began}: {status:?}");
    }
    assert_eq!(rig.site.get("").status, 200);
    assert!(!rig.stop.is_cancelled());
}

#[test]
fn a_ledger_that_cannot_be_read_breaks_the_page_and_nothing_else() {
    let mut rig = Rig::new(&shots(1));
    let ledger = rig.folder.join("ledger.sqlite");
    std::fs::rename(&ledger, rig.folder.join("away")).unwrap();
    assert_eq!(rig.site.get("").status, 503);
    assert_eq!(rig.site.get("clips/s000.mp4").status, 404);
    // The page comes again by itself; what the run says of itself is told all the same.
    let mut events = rig.site.follow().ok().unwrap();
    assert_eq!(events.until_run("running")["in_flight"], 0);
    assert_eq!(events.next(), None);
    assert_eq!(rig.site.get("healthz").status, 200);
    assert_eq!(rig.progress.borrow().clone(), Progress::default());
    rig.close();
}

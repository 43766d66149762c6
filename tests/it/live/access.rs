//! Which requests are answered, by their path and headers.

use axum::http::{HeaderMap, HeaderName, Method};
use rushes::domain::secret::Secret;
use rushes::server::access::{Access, Refusal};

fn asks(access: &Access, method: &Method, path: &str, headers: &[(&str, &str)]) -> Option<Refusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    access.admit(method, &path.parse().unwrap(), &map).err()
}

fn here() -> Access {
    Access::new("127.0.0.1:7878".parse().unwrap(), None)
}

#[test]
fn on_loopback_only_its_own_names_are_answered() {
    for host in ["localhost:7878", "LOCALHOST", "127.0.0.1:7878", "127.8.8.8", "[::1]:1"] {
        assert_eq!(asks(&here(), &Method::GET, "/", &[("host", host)]), None, "{host}");
    }
    for host in ["evil.example:7878", "127.0.0.1.nip.io", "10.0.0.1", "localhost.evil", ""] {
        let refused = asks(&here(), &Method::GET, "/", &[("host", host)]);
        assert_eq!(refused, Some(Refusal::HOST), "{host}");
    }
    let two = [("host", "localhost"), ("host", "evil.example")];
    assert_eq!(asks(&here(), &Method::GET, "/", &two), Some(Refusal::HOST));
    assert_eq!(asks(&here(), &Method::GET, "/", &[]), Some(Refusal::HOST));
}

#[test]
fn pages_of_other_sites_press_no_button() {
    let host = ("host", "localhost:7878");
    let button = ("x-rushes", "1");
    let own = ("origin", "http://localhost:7878");
    assert_eq!(asks(&here(), &Method::POST, "/stop", &[host, button, own]), None);
    assert_eq!(asks(&here(), &Method::POST, "/stop", &[host, button]), None);
    let refused = asks(&here(), &Method::POST, "/stop", &[host, own]);
    assert_eq!(refused, Some(Refusal::BUTTON));
    for origin in ["http://evil.example", "null", "http://localhost:80", "file://", ""] {
        for method in [Method::POST, Method::GET] {
            let refused = asks(&here(), &method, "/stop", &[host, button, ("origin", origin)]);
            assert_eq!(refused, Some(Refusal::ORIGIN), "{origin}");
        }
    }
}

#[test]
fn a_token_gives_access_under_any_name_and_nothing_else_does() {
    let token = Secret::from_bytes([7; 16]);
    let access = Access::new("0.0.0.0:80".parse().unwrap(), Some(token));
    let host = [("host", "studio.example")];
    let secret = token.reveal();
    assert_eq!(access.url(), format!("http://127.0.0.1:80/{secret}/"));
    assert_eq!(asks(&access, &Method::GET, &format!("/{secret}/events"), &host), None);
    let wrong = secret.replace('7', "8");
    for path in ["/", "/events", &format!("/{wrong}/"), &format!("/{secret}"), "/x/", "//"] {
        assert_eq!(asks(&access, &Method::GET, path, &host), Some(Refusal::NOTHING), "{path}");
    }
}

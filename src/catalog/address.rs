//! What a web address leads to: a machine that only this one or its network sees, or a page that
//! shows a file in place of the file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::image::is_http_url;

/// The host of an `http://` or `https://` URL as it is written, without port and brackets.
fn host(url: &str) -> Option<&str> {
    if !is_http_url(url) {
        return None;
    }
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => host.split(':').next(),
    }
}

/// Why the gateway cannot fetch a file from this address: `the gateway cannot see 127.0.0.1, which
/// is this machine`; `None` when it may, or the text is no web address.
#[must_use]
pub fn private(url: &str) -> Option<String> {
    let host = host(url)?;
    let name = host.strip_suffix('.').unwrap_or(host);
    let whose = match ip(name) {
        Some(ip) => private_ip(ip)?,
        None => private_name(name)?,
    };
    Some(format!("the gateway cannot see {host}, which is {whose}"))
}

const THIS: &str = "this machine";
const OURS: &str = "in your own network";

fn private_name(name: &str) -> Option<&'static str> {
    let ends = |end: &str| {
        let at = name.len().checked_sub(end.len());
        at.and_then(|at| name.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    let is_ours = !name.contains('.')
        || [
            ".local",
            ".internal",
            ".lan",
            ".home",
            ".home.arpa",
            ".intranet",
            ".corp",
            ".localdomain",
        ]
        .into_iter()
        .any(ends);
    if name.eq_ignore_ascii_case("localhost") || ends(".localhost") {
        Some(THIS)
    } else {
        is_ours.then_some(OURS)
    }
}

/// An address in numbers, also in the forms that browsers take: `127.1`, `0x7f000001`.
fn ip(host: &str) -> Option<IpAddr> {
    if host.contains(':') {
        let without_zone = host.split('%').next()?;
        return without_zone.parse::<Ipv6Addr>().ok().map(|ip| match ip.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => ip.into(),
        });
    }
    if !host.ends_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let parts: Vec<u32> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let high = (0_u32..).zip(first).fold(0, |ip, (at, part)| ip | (part << (24 - 8 * at)));
    Some(Ipv4Addr::from(high | last).into())
}

/// A decimal, octal (`0…`) or hexadecimal (`0x…`) number.
fn number(text: &str) -> Option<u32> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

fn private_ip(ip: IpAddr) -> Option<&'static str> {
    if ip.is_loopback() || ip.is_unspecified() {
        return Some(THIS);
    }
    let is_ours = match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            ip.is_private() || ip.is_link_local() || a == 0 || is_shared
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    is_ours.then_some(OURS)
}

/// What to write in place of an address that leads to a page that shows a file; `None` when it may
/// lead to the file itself.
#[must_use]
pub fn share_page(url: &str) -> Option<String> {
    let host = host(url)?;
    let is = |name: &str| {
        let at = host.len().checked_sub(name.len());
        let tail = at.and_then(|at| host.get(at..)).filter(|tail| tail.eq_ignore_ascii_case(name));
        let before = at.and_then(|at| host.get(..at)).unwrap_or_default();
        tail.is_some() && (before.is_empty() || before.ends_with('.'))
    };
    let has = |part: &str| url.contains(part);
    let direct = |url: String| format!("write {url}, or download the file and write its path");
    if is("drive.google.com") || is("docs.google.com") {
        let id = after(url, "/d/").or_else(|| after(url, "id="));
        let is_direct = has("/uc?") || has("/thumbnail?") || has("/download?") || has("export=");
        return (!is_direct).then(|| match id {
            Some(id) => direct(format!("https://drive.google.com/uc?export=download&id={id}")),
            None => by_path(),
        });
    }
    if is("dropbox.com") {
        let is_direct = has("dl=1") || has("raw=1") || host.eq_ignore_ascii_case("dl.dropbox.com");
        return (!is_direct).then(|| direct(dropbox(url)));
    }
    if is("github.com") && has("/blob/") {
        return Some(direct(url.replacen("/blob/", "/raw/", 1)));
    }
    if is("sharepoint.com") || is("1drv.ms") || is("onedrive.live.com") {
        let is_direct = has("download=1") || has("/download?") || has("download.aspx");
        return (!is_direct).then(by_path);
    }
    let is_page = PAGES.iter().any(|(name, path)| is(name) && (path.is_empty() || has(path)));
    is_page.then(by_path)
}

/// Hosts that show files on pages, and what is in the path of these; all their pages when empty.
const PAGES: [(&str, &str); 22] = [
    ("wetransfer.com", ""),
    ("we.tl", ""),
    ("photos.app.goo.gl", ""),
    ("photos.google.com", ""),
    ("icloud.com", ""),
    ("share.icloud.com", ""),
    ("mega.nz", ""),
    ("box.com", "/s/"),
    ("pcloud.link", ""),
    ("figma.com", ""),
    ("canva.com", ""),
    ("notion.so", ""),
    ("unsplash.com", "/photos/"),
    ("pexels.com", "/photo/"),
    ("flickr.com", "/photos/"),
    ("pinterest.com", "/pin/"),
    ("instagram.com", ""),
    ("youtube.com", ""),
    ("youtu.be", ""),
    ("vimeo.com", ""),
    ("tiktok.com", ""),
    ("x.com", "/status/"),
];

fn by_path() -> String {
    "download the file and write its path".to_owned()
}

/// What follows a mark in a URL, up to its next separator.
fn after<'u>(url: &'u str, mark: &str) -> Option<&'u str> {
    let (_, rest) = url.split_once(mark)?;
    rest.split(['/', '?', '&', '#']).next().filter(|id| !id.is_empty())
}

/// A Dropbox page's address with `dl=1`.
fn dropbox(url: &str) -> String {
    let url = url.split('#').next().unwrap_or(url);
    if url.contains("dl=0") {
        url.replacen("dl=0", "dl=1", 1)
    } else {
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}dl=1")
    }
}

//! `rushes report --format html`.

use std::fs::File;

use crate::sandbox::{Sandbox, TWO_SHOTS};

fn rehearsed() -> Sandbox {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    sandbox
}

const HTML: [&str; 5] = ["report", "shots.yaml", "--sim", "--format", "html"];

/// Trial 17: a pipe gets the page's place, not the page.
#[test]
fn a_pipe_is_told_where_the_contact_sheet_lies() {
    let sandbox = rehearsed();
    std::fs::remove_file(sandbox.path("renders/summer.sim/contact-sheet.html")).unwrap();
    let done = sandbox.run_words(&HTML).exits(0).warns_of_nothing();
    assert_eq!(done.stdout(), "renders/summer.sim/contact-sheet.html\n");
    let page = std::fs::read_to_string(sandbox.path("renders/summer.sim/contact-sheet.html"));
    assert!(page.unwrap().contains("\"path\":\"clips/beach.mp4\""));
}

/// Trial 17: redirected elsewhere, the clips work.
#[cfg(unix)]
#[test]
fn a_page_that_is_redirected_elsewhere_finds_its_clips() {
    let sandbox = rehearsed();
    let page = sandbox.path("page.html");
    let mut command = sandbox.command(&HTML);
    let done = command.stdout(File::create(&page).unwrap()).status().unwrap();
    assert!(done.success());
    let page = std::fs::read_to_string(page).unwrap();
    let links: Vec<&str> = page.split("\"link\":\"file://").skip(1).collect();
    assert_eq!(links.len(), 2);
    for link in links {
        let path = link.split('"').next().unwrap();
        assert!(std::path::Path::new(path).is_file(), "{path}");
    }
}

/// Trial 17: the help names the page.
#[test]
fn the_help_of_report_says_what_html_is() {
    let help = Sandbox::new().run(["report", "--help"]).exits(0);
    help.says("html is the contact sheet").says("--format html > page.html");
}

#[test]
fn a_page_of_some_shots_is_no_contact_sheet() {
    let sandbox = rehearsed();
    let sheet = sandbox.path("renders/summer.sim/contact-sheet.html");
    let before = std::fs::read(&sheet).unwrap();
    let page = sandbox.run_words(&[&HTML[..], &["--only", "beach"]].concat()).exits(0).stdout();
    assert!(page.contains("clips/beach.mp4") && !page.contains("clips/alley.mp4"));
    assert_eq!(std::fs::read(&sheet).unwrap(), before, "the campaign's own is as it was");
}

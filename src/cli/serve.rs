//! `--serve`: where the live page is, said to the user.

use crate::server::{Port, USUAL_PORT, Wish};

use super::error::CliError;
use super::terminal::{CYAN, Terminal, YELLOW};

/// Takes the port that `--serve` asks for, before anything is sent.
pub async fn take(wish: Option<Wish>) -> Result<Option<Port>, CliError> {
    let Some(wish) = wish else { return Ok(None) };
    Ok(Some(bind(wish).await?))
}

/// Takes the port that is asked for.
pub async fn bind(wish: Wish) -> Result<Port, CliError> {
    let port = wish.take().await;
    port.map_err(|error| {
        let place = match wish {
            Wish::Usual => "on this machine".to_owned(),
            Wish::At(address) => format!("on {address}"),
        };
        CliError::new(format!("--serve: the page cannot be served {place}: {error}"))
            .help("name a free address of this machine, such as --serve 127.0.0.1:8080")
            .help("or --serve alone, which takes a free port")
    })
}

/// Says where the page is; `word` stands before its address, `may` says what everyone with it may do.
pub fn announce(port: &Port, word: &str, may: &str, terminal: &Terminal) {
    if port.is_moved {
        let taken = format!("another program has port {USUAL_PORT}; a free one was taken");
        terminal.say(YELLOW, "note", &taken);
    }
    terminal.say(CYAN, word, &port.url());
    if port.is_public() {
        let others = format!(
            "from other machines put this one's name in its place; everyone with the address can \
             {may}, and nothing is encrypted on the way"
        );
        terminal.say(YELLOW, "note", &others);
    }
}

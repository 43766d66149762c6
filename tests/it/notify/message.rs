//! A message as chats and programs read it.

use rushes::domain::time::Timestamp;
use rushes::domain::webhook::Occasion;
use rushes::notify::Message;
use rushes::policy::budget::{Balance, Money};
use serde_json::{Value, json};

#[test]
fn a_message_is_for_chats_and_for_programs() {
    let message = Message {
        occasion: Occasion::End,
        campaign: "summer",
        command: "rushes run",
        at: Timestamp::from_millis(1_705_123_450_007),
        seconds: 61,
        text: "summer: \"done\" <!channel> @everyone & all".to_owned(),
        counts: vec![("delivered", 2), ("failed", 1)],
        money: Money {
            cap: "2".parse().ok(),
            balance: Balance { spent: "0.5".parse().unwrap(), ..Balance::default() },
        },
        ended: Some(("done", 1)),
        why: None,
    };
    let json: Value = serde_json::from_str(&message.json()).unwrap();
    let text = "summer: \"done\" ‹!channel› ＠everyone ＆ all";
    let expected = json!({
        "text": text,
        "content": text,
        "allowed_mentions": {"parse": []},
        "event": "end",
        "campaign": "summer",
        "command": "rushes run",
        "at": "2024-01-13T05:24:10.007Z",
        "seconds": 61,
        "ended": "done",
        "exit_code": 1,
        "why": null,
        "counts": {"delivered": 2, "failed": 1},
        "money": {"cap": "2.00", "spent": "0.50", "reserved": "0", "unconfirmed": "0"},
    });
    assert_eq!(json, expected);
}

//! The queue of calls between the listener and the scheduler.

use rushes::callback::WebhookQueue;
use rushes::domain::outcome::TaskId;
use rushes::domain::secret::Secret;

use futures::FutureExt;

fn token(byte: u8) -> Secret {
    Secret::from_bytes([byte; 16])
}

fn task(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

#[test]
fn many_calls_about_an_attempt_are_one_and_calls_with_unknown_keys_are_none() {
    let queue = WebhookQueue::default();
    queue.expect(token(1));
    queue.expect(token(2));
    for n in 0..1000 {
        queue.push(token(9), vec![task("x")]);
        queue.push(token(1), vec![task("a"), task(&format!("b{n}"))]);
    }
    queue.push(token(2), vec![]);
    let named = ["a", "b0", "b1", "b2"].map(task).to_vec();
    assert_eq!(queue.next().now_or_never(), Some((token(1), named)));
    assert_eq!(queue.next().now_or_never(), Some((token(2), vec![])));
    assert_eq!(queue.next().now_or_never(), None);
}

#[test]
fn a_call_with_a_forgotten_key_is_dropped() {
    let queue = WebhookQueue::default();
    queue.expect(token(1));
    queue.push(token(1), vec![]);
    queue.forget(&token(1));
    queue.push(token(1), vec![]);
    assert_eq!(queue.next().now_or_never(), None);
}

#[tokio::test]
async fn a_call_wakes_the_waiting_scheduler() {
    let queue = std::sync::Arc::new(WebhookQueue::default());
    queue.expect(token(1));
    let waits = tokio::spawn({
        let queue = std::sync::Arc::clone(&queue);
        async move { queue.next().await }
    });
    tokio::task::yield_now().await;
    queue.push(token(1), vec![task("a")]);
    assert_eq!(waits.await.unwrap(), (token(1), vec![task("a")]));
}

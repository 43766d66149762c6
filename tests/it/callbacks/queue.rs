//! The queue of calls between the listener and the scheduler.

use rushes::callback::WebhookQueue;
use rushes::domain::callback::Callback;
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
        assert!(queue.push(token(9), vec![task("x")]));
        assert!(queue.push(token(1), vec![task("a"), task(&format!("b{n}"))]));
    }
    assert!(queue.push(token(2), vec![]));
    let named = ["a", "b0", "b1", "b2"].map(task).to_vec();
    assert_eq!(queue.next().now_or_never(), Some((token(1), named)));
    assert_eq!(queue.next().now_or_never(), Some((token(2), vec![])));
    assert_eq!(queue.next().now_or_never(), None);
}

#[test]
fn a_call_with_a_forgotten_key_is_dropped() {
    let queue = WebhookQueue::default();
    queue.expect(token(1));
    assert!(queue.push(token(1), vec![]));
    queue.forget(&token(1));
    assert!(queue.push(token(1), vec![]));
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
    assert!(queue.push(token(1), vec![task("a")]));
    assert_eq!(waits.await.unwrap(), (token(1), vec![task("a")]));
}

/// Calls with the first byte of their key from 0 on, as many as there are places for.
fn filled() -> WebhookQueue {
    let queue = WebhookQueue::default();
    queue.keep_others();
    for byte in 0..64 {
        assert!(queue.push(token(byte), vec![task(&format!("t{byte}"))]), "{byte}");
    }
    queue
}

#[test]
fn calls_that_may_be_another_workers_are_kept_once_each_and_only_so_many() {
    let queue = filled();
    for n in 0..1000 {
        assert!(!queue.push(token(200), vec![]), "it is to come again later");
        assert!(queue.push(token(7), vec![task(&format!("t{n}"))]), "it is kept already");
    }
    let others = queue.take_others();
    assert_eq!(others.len(), 64);
    let named = ["t7", "t0", "t1", "t2"].map(task).to_vec();
    assert_eq!(others[7], Callback { key: token(7), tasks: named });
    assert_eq!(queue.take_others(), [], "they were taken");
    assert!(queue.push(token(200), vec![]), "there is room again");
    assert_eq!(queue.next().now_or_never(), None, "none of them is its own");
}

#[test]
fn a_flood_of_calls_with_unknown_keys_keeps_out_none_with_a_known_one() {
    let queue = filled();
    queue.expect(token(100));
    assert!(queue.push(token(100), vec![]));
    assert_eq!(queue.next().now_or_never(), Some((token(100), vec![])));
}

#[test]
fn a_call_that_came_before_its_key_was_known_is_heard_once_it_is() {
    let queue = filled();
    queue.expect(token(3));
    assert_eq!(queue.next().now_or_never(), Some((token(3), vec![task("t3")])));
    assert!(queue.take_others().iter().all(|call| call.key != token(3)));
    queue.expect(token(3));
    assert_eq!(queue.next().now_or_never(), None);
}

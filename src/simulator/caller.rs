//! Makes the calls that the gateway has promised: each tried again after 1, 2 and 4 seconds. A killed
//! simulator makes none of those that were left.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::domain::time::{Clock, Timestamp};

use super::callback::Call;
use super::state::SimState;

/// Before each try.
const PAUSES: [u64; 4] = [0, 1, 2, 4];
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes calls; dropped, it makes no more.
#[derive(Default)]
pub(super) struct Caller(Mutex<JoinSet<()>>);

impl Caller {
    /// Takes on the calls that were promised.
    pub(super) fn take_on(&self, state: &Arc<Mutex<SimState>>, clock: &Arc<dyn Clock>) {
        let calls = state.lock().unwrap_or_else(PoisonError::into_inner).take_calls();
        if calls.is_empty() {
            return;
        }
        let mut making = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while making.try_join_next().is_some() {}
        for call in calls {
            making.spawn(make(call, Arc::clone(state), Arc::clone(clock)));
        }
    }

    /// Makes no more.
    pub(super) fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

async fn make(call: Call, state: Arc<Mutex<SimState>>, clock: Arc<dyn Clock>) {
    tokio::time::sleep(Timestamp::from_millis(call.at).since(clock.now())).await;
    for _ in 0..call.times {
        let told = state.lock().unwrap_or_else(PoisonError::into_inner).told(&call, clock.now());
        let Some(body) = told else { return };
        for pause in PAUSES {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            match tokio::time::timeout(PATIENCE, post(&call, &body)).await {
                Ok(Ok(200..=299)) => break,
                Ok(Ok(status)) => tracing::debug!(task = call.task, "a callback got {status}"),
                Ok(Err(error)) => tracing::debug!(task = call.task, "a callback failed: {error}"),
                Err(_) => tracing::debug!(task = call.task, "a callback was not answered"),
            }
        }
    }
}

/// One POST; its answer's status.
async fn post(call: &Call, body: &Bytes) -> std::io::Result<u16> {
    let Call { socket, path, .. } = call;
    let mut stream = TcpStream::connect(socket).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {socket}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer);
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

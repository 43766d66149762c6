//! A provider called by hand, one purchase or task at a time.

use bytes::Bytes;
use rushes::domain::charge::ChargeOutcome;
use rushes::domain::outcome::{PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::secret::Secret;
use rushes::provider::{Provider, Submission, TaskHandle};

/// Parameters without files, callback, or a key that matters.
pub fn submission(params: &[u8]) -> Submission {
    let params = String::from_utf8(params.to_vec()).unwrap().into();
    let key = Secret::from_bytes([7; 16]);
    Submission { key, params, files: Vec::new(), callback: None }
}

pub trait Calls {
    async fn buy(&self, params: Bytes) -> SubmitOutcome;
    async fn ask(&self, task: &TaskId) -> PollOutcome;
    async fn billed(&self, task: &TaskId) -> ChargeOutcome;
}

impl<P: Provider + ?Sized> Calls for P {
    async fn buy(&self, params: Bytes) -> SubmitOutcome {
        self.submit(submission(&params)).await
    }

    async fn ask(&self, task: &TaskId) -> PollOutcome {
        let handle = TaskHandle::new(task.clone());
        self.poll(std::slice::from_ref(&handle)).await.remove(0)
    }

    async fn billed(&self, task: &TaskId) -> ChargeOutcome {
        self.charge(&TaskHandle::new(task.clone())).await
    }
}

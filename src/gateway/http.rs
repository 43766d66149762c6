//! The HTTP client of the paid gateway.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::answer::{Polled, Submitted, TaskId, Unfetched};

use super::{Download, Gateway, ResumePoint};

/// How to reach the gateway.
#[derive(Clone)]
pub struct HttpSettings {
    /// Scheme, host and port; `/api/v1/video/generations` is appended.
    pub api_base: String,
    /// The bearer key.
    pub key: String,
    /// How long a POST may take, from connect to the last byte of its answer.
    pub submit_timeout: Duration,
}

/// Why the gateway cannot be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// To be replaced.
    #[error("{0}")]
    Address(String),
}

/// The paid gateway over HTTP.
pub struct HttpGateway {}

impl HttpGateway {
    /// Prepares the clients; sends nothing.
    ///
    /// # Errors
    /// When the address is no URL, or plain http to a host that is not loopback.
    pub fn new(_settings: HttpSettings) -> Result<Self, SetupError> {
        todo!()
    }
}

impl Gateway for HttpGateway {
    fn submit(&self, _body: Bytes) -> BoxFuture<'_, Submitted> {
        todo!()
    }

    fn poll<'a>(&'a self, _task: &'a TaskId) -> BoxFuture<'a, Polled> {
        todo!()
    }

    fn fetch<'a>(
        &'a self,
        _url: &'a str,
        _resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, Unfetched>> {
        todo!()
    }
}

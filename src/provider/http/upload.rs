//! Sends a local file to the gateway as a form of one field. Nothing is bought by it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use crate::catalog::hex;
use crate::domain::outcome::UploadOutcome;

use super::super::FileUpload;
use super::super::apimodels::spec;
use super::slices::{self, StopSending};
use super::wire;
use super::{HttpProvider, NoAnswer, address};

/// How many bytes a second are waited for at least.
const SLOWEST: u64 = 50_000;

impl HttpProvider {
    pub(super) async fn upload_once(&self, file: FileUpload) -> UploadOutcome {
        let Some(upload) = &spec().upload else {
            return UploadOutcome::Refused { why: "this gateway takes no files".to_owned() };
        };
        let within = self.submit_timeout + Duration::from_secs(file.bytes.len() as u64 / SLOWEST);
        let boundary = format!("rushes-{}", hex(&file.sha256));
        let stop = StopSending::default();
        let parts = form(&boundary, &upload.field, &file);
        let request = self
            .clients
            .submit
            .post(address::beside(&self.endpoint, &upload.path))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
            .header(ACCEPT, "application/json")
            .body(slices::body_of(&parts, &stop));
        match self.ask(request, within, Some(&stop)).await {
            Ok(answer) => {
                let said = wire::uploaded(&answer);
                match said {
                    UploadOutcome::Stored { .. } => said,
                    _ => self.hiding_the_key(&answer).map_or(said, |it| wire::uploaded(&it)),
                }
            }
            Err(NoAnswer { why, was_sent: false }) => UploadOutcome::NotSent { why },
            Err(NoAnswer { why, was_sent: true }) => {
                UploadOutcome::Failed { retry_after: None, why: format!("no answer: {why}") }
            }
        }
    }
}

/// A form with the file, whose own bytes are not copied. The boundary holds the file's hash, which
/// the file cannot.
fn form(boundary: &str, field: &str, file: &FileUpload) -> [Bytes; 3] {
    let (name, media_type) = file.name_and_type();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; \
         filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\n"
    );
    [head.into(), file.bytes.clone(), format!("\r\n--{boundary}--\r\n").into()]
}

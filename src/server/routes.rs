//! The page's addresses and what each answers. Every answer says that it must not be kept, framed
//! or embedded.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::response::IntoResponse;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::blocking::Threads;
use crate::report::ReportError;

use super::access::{Access, Refusal};
use super::campaign_view::CampaignView;
use super::decisions::Decisions;
use super::events::{MAX_PAGES, Subscriber};
use super::run_view::{Ended, illness};
use super::spool::{pieces, spool};
use super::{clip_files, metrics};

/// What every answer carries.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

struct Site {
    access: Access,
    view: CampaignView,
    decisions: Option<Decisions>,
    ended: watch::Receiver<Option<Ended>>,
    /// Cuts readings of the ledger short.
    closing: CancellationToken,
    /// Places for pages that stay connected.
    pages: Arc<Semaphore>,
    /// One reading of the ledger at a time.
    reading: Arc<Semaphore>,
}

/// Everything there is to ask for.
pub(super) fn routes(
    access: Access,
    view: CampaignView,
    decisions: Option<Decisions>,
    ended: watch::Receiver<Option<Ended>>,
    closing: CancellationToken,
) -> Router {
    let pages = Arc::new(Semaphore::new(MAX_PAGES));
    let reading = Arc::new(Semaphore::new(1));
    let site = Site { access, view, decisions, ended, closing, pages, reading };
    Router::new().fallback(ask).with_state(Arc::new(site))
}

async fn ask(State(site): State<Arc<Site>>, request: Request) -> Response<Body> {
    let admitted = site.access.admit(request.method(), request.uri(), request.headers());
    let mut response = match admitted.map(ToOwned::to_owned) {
        Ok(path) => site.answer(&path, request).await,
        Err(Refusal(status, text)) => (status, text).into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Site {
    async fn answer(&self, path: &str, request: Request) -> Response<Body> {
        let method = request.method().clone();
        let looks = method == Method::GET || method == Method::HEAD;
        match path {
            "pause" | "resume" | "stop" if method == Method::POST => self.press(path),
            "review" if method == Method::POST => self.decide(request.into_body()).await,
            "pause" | "resume" | "stop" | "review" => not_allowed("POST"),
            "events" if method == Method::GET => self.events(),
            "events" => not_allowed("GET"),
            _ if !looks => not_allowed("GET, HEAD"),
            "" => self.page().await,
            "healthz" => self.health(),
            "metrics" => self.metrics(),
            _ => match path.strip_prefix("clips/") {
                Some(name) => clip_files::answer(&self.view, name, request).await,
                None => StatusCode::NOT_FOUND.into_response(),
            },
        }
    }

    async fn decide(&self, body: Body) -> Response<Body> {
        match &self.decisions {
            Some(decisions) => decisions.take(self.view.ledger.clone(), body).await,
            None => (StatusCode::CONFLICT, "the file of picks cannot be read").into_response(),
        }
    }

    fn metrics(&self) -> Response<Body> {
        let Some(run) = &self.view.run else { return StatusCode::NOT_FOUND.into_response() };
        let text = metrics::text(&run.progress.borrow(), &run.metrics);
        ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
    }

    fn press(&self, button: &str) -> Response<Body> {
        let Some(run) = &self.view.run else { return StatusCode::NOT_FOUND.into_response() };
        if self.ended.borrow().is_some() {
            let why = axum::Json(serde_json::json!({"error": "the run has ended"}));
            return (StatusCode::CONFLICT, why).into_response();
        }
        tracing::info!("{button}: asked for on the live page");
        match button {
            "pause" => run.pause.pause(),
            "resume" => run.pause.resume(),
            _ => run.stop.cancel(),
        }
        StatusCode::NO_CONTENT.into_response()
    }

    fn events(&self) -> Response<Body> {
        let Ok(place) = Arc::clone(&self.pages).try_acquire_owned() else {
            let full = "too many pages follow this run; close one";
            let later = [(header::RETRY_AFTER, "10")];
            return (StatusCode::SERVICE_UNAVAILABLE, later, full).into_response();
        };
        let (view, ended, closing) = (self.view.clone(), self.ended.clone(), self.closing.clone());
        let (decisions, reading) = (self.decisions.clone(), Arc::clone(&self.reading));
        let body = Subscriber::new(view, decisions, ended, closing, place, reading).into_body();
        ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
    }

    async fn page(&self) -> Response<Body> {
        let view = self.view.clone();
        // The semaphore is never closed; without a permit readings would merely be side by side.
        let permit = self.reading.acquire().await;
        let made = Threads::Pool.run(move || {
            let mut page = spool();
            view.sheet(&*view.ledger.snapshot()?, &view.verdicts()).write(&mut page)?;
            Ok::<_, ReportError>(page)
        });
        let made = made.await.map_err(io::Error::from).map_err(ReportError::from).flatten();
        drop(permit);
        match made.and_then(|page| Ok(pieces(page)?)) {
            Ok(pieces) => {
                let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
                (kind, Body::from_stream(pieces)).into_response()
            }
            Err(why) => {
                tracing::debug!("the live page cannot be made: {why}");
                (StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be read now; try again")
                    .into_response()
            }
        }
    }

    fn health(&self) -> Response<Body> {
        let Some(run) = &self.view.run else { return "ok\n".into_response() };
        match illness(&run.progress.borrow(), self.ended.borrow().as_ref()) {
            None => "ok\n".into_response(),
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response(),
        }
    }
}

fn not_allowed(methods: &'static str) -> Response<Body> {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, methods)]).into_response()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axum::body::to_bytes;

    use super::*;
    use crate::policy::limits::{Rate, Window};
    use crate::scheduler::{Progress, RunOutcome, StopReason};
    use crate::server::RunView;

    fn site(progress: Progress, ended: Option<Ended>) -> Site {
        let run = RunView {
            progress: watch::channel(progress).1,
            rate: Rate { count: 2, window: Window::Second },
            stop: crate::scheduler::CancelToken::default(),
            pause: crate::scheduler::PauseSwitch::default(),
            metrics: Arc::default(),
        };
        let view = CampaignView {
            ledger: crate::ledger::LedgerAddress::file(""),
            again: Arc::new(|verb, _| verb.to_owned()),
            folder: PathBuf::new(),
            bucket: None,
            reviews: None,
            picks: String::new(),
            sheet: String::new(),
            run: Some(run),
        };
        let ended = watch::channel(ended).1;
        let access = Access::new("127.0.0.1:1".parse().unwrap(), None);
        let (pages, reading) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let closing = CancellationToken::new();
        Site { access, view, decisions: None, ended, closing, pages, reading }
    }

    async fn text(response: Response<Body>) -> String {
        let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
        String::from_utf8(bytes.into()).unwrap()
    }

    #[tokio::test]
    async fn buttons_press_what_they_say_until_the_run_has_ended() {
        let site = site(Progress::default(), None);
        for (button, paused, stopped) in
            [("pause", true, false), ("resume", false, false), ("stop", false, true)]
        {
            assert_eq!(site.press(button).status(), StatusCode::NO_CONTENT);
            let RunView { pause, stop, .. } = site.view.run.as_ref().unwrap();
            assert_eq!((pause.is_paused(), stop.is_cancelled()), (paused, stopped), "{button}");
        }
        let site = super::tests::site(Progress::default(), Some(Ended { why: None }));
        let late = site.press("pause");
        assert_eq!(late.status(), StatusCode::CONFLICT);
        assert_eq!(text(late).await, r#"{"error":"the run has ended"}"#);
        assert!(!site.view.run.unwrap().pause.is_paused());
    }

    #[tokio::test]
    async fn a_run_that_cannot_write_is_not_well() {
        let full = RunOutcome::Stopped(StopReason::Disk("full".into()));
        let sick = site(Progress { stopping: Some(full), ..Progress::default() }, None).health();
        assert_eq!(sick.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text(sick).await, "the disk cannot be written: full\n");
        assert_eq!(text(site(Progress::default(), None).health()).await, "ok\n");
    }
}

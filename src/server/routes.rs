//! Who asks for what. Every answer ends its connection and says that nobody may keep, frame or
//! embed it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, IntoMakeServiceWithConnectInfo};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::response::IntoResponse;
use tokio::sync::{Semaphore, watch};

use crate::blocking::Threads;
use crate::listener::Wire;
use crate::report::ReportError;

use super::access::Gate;
use super::backlog::{Spool, Spooled};
use super::changes::{self, Feed};
use super::run_status::{Over, Phase, illness};
use super::show::Show;
use super::{clip_files, events, metrics};

/// So many pages follow at once.
const MAX_PAGES: usize = 32;

/// What every answer carries.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CONNECTION, "close"),
];

struct Desk {
    gate: Gate,
    show: Show,
    feed: Feed,
    over: watch::Receiver<Option<Over>>,
    /// Places for pages that follow.
    pages: Arc<Semaphore>,
    /// One page at a time is made.
    making: Semaphore,
}

/// Everything there is to ask for.
pub(super) fn routes(
    gate: Gate,
    show: Show,
    feed: Feed,
    over: watch::Receiver<Option<Over>>,
) -> IntoMakeServiceWithConnectInfo<Router, Wire> {
    let pages = Arc::new(Semaphore::new(MAX_PAGES));
    let desk = Desk { gate, show, feed, over, pages, making: Semaphore::new(1) };
    let router = Router::new().fallback(ask).with_state(Arc::new(desk));
    router.into_make_service_with_connect_info::<Wire>()
}

async fn ask(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response<Body> {
    let admitted = desk.gate.admit(request.method(), request.uri(), request.headers());
    let mut response = match admitted.map(ToOwned::to_owned) {
        Ok(path) => desk.answer(&path, &wire, request).await,
        Err(refusal) => refusal.answer().into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Desk {
    async fn answer(&self, path: &str, wire: &Wire, request: Request) -> Response<Body> {
        let method = request.method().clone();
        let looks = method == Method::GET || method == Method::HEAD;
        match path {
            "pause" | "resume" | "stop" if method == Method::POST => self.press(path),
            "pause" | "resume" | "stop" => not_allowed("POST"),
            "events" if method == Method::GET => self.events(wire),
            "events" => not_allowed("GET"),
            _ if !looks => not_allowed("GET, HEAD"),
            "" => self.page(wire).await,
            "healthz" => self.health(),
            "metrics" => {
                let text = metrics::text(&self.show.progress.borrow(), &self.show.metrics);
                ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
            }
            _ => match path.strip_prefix("clips/") {
                Some(name) => {
                    wire.stay();
                    clip_files::film(&self.show, name, request).await
                }
                None => StatusCode::NOT_FOUND.into_response(),
            },
        }
    }

    fn press(&self, button: &str) -> Response<Body> {
        if self.over.borrow().is_some() {
            let why = axum::Json(serde_json::json!({"error": "the run has ended"}));
            return (StatusCode::CONFLICT, why).into_response();
        }
        tracing::info!("{button}: asked for on the live page");
        match button {
            "pause" => self.show.pause.pause(),
            "resume" => self.show.pause.resume(),
            _ => self.show.stop.cancel(),
        }
        StatusCode::NO_CONTENT.into_response()
    }

    fn events(&self, wire: &Wire) -> Response<Body> {
        let Ok(place) = Arc::clone(&self.pages).try_acquire_owned() else {
            let full = "too many pages follow this run; close one";
            let later = [(header::RETRY_AFTER, "10")];
            return (StatusCode::SERVICE_UNAVAILABLE, later, full).into_response();
        };
        wire.stay();
        let rate = self.show.rate.to_string();
        let phase = Phase::of(&self.show.progress.borrow(), None, rate);
        let body = events::body(&self.feed, changes::run_event(&phase), place);
        ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
    }

    async fn page(&self, wire: &Wire) -> Response<Body> {
        wire.stay();
        let show = self.show.clone();
        // The semaphore is never closed; without a permit more than one would be made at once.
        let permit = self.making.acquire().await;
        let made = Threads::Pool.run(move || {
            let mut spool = Spool::default();
            show.sheet(&*show.ledger.snapshot()?).write(&mut spool)?;
            Ok::<Spooled, ReportError>(spool.finish()?)
        });
        let made = made.await;
        drop(permit);
        let cannot = |why: String| {
            tracing::debug!("the live page cannot be made: {why}");
            (StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be read now; try again")
                .into_response()
        };
        match made {
            Ok(Ok(page)) => match page.pieces() {
                Ok(pieces) => {
                    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
                    (kind, Body::from_stream(pieces)).into_response()
                }
                Err(error) => cannot(error.to_string()),
            },
            Ok(Err(error)) => cannot(error.to_string()),
            Err(error) => cannot(error.to_string()),
        }
    }

    fn health(&self) -> Response<Body> {
        match illness(&self.show.progress.borrow(), self.over.borrow().as_ref()) {
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

    fn desk(progress: Progress, over: Option<Over>) -> Desk {
        let show = Show {
            ledger: crate::ledger::LedgerAddress::file(""),
            again: Arc::new(|verb, _| verb.to_owned()),
            folder: PathBuf::new(),
            progress: watch::channel(progress).1,
            rate: Rate { count: 2, window: Window::Second },
            stop: crate::scheduler::CancelToken::default(),
            pause: crate::scheduler::PauseSwitch::default(),
            metrics: Arc::default(),
        };
        let over = watch::channel(over).1;
        let (feed, _) = changes::feed(&show, over.clone());
        let gate = Gate::new("127.0.0.1:1".parse().unwrap(), None);
        let (pages, making) = (Arc::new(Semaphore::new(1)), Semaphore::new(1));
        Desk { gate, show, feed, over, pages, making }
    }

    async fn text(response: Response<Body>) -> String {
        let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
        String::from_utf8(bytes.into()).unwrap()
    }

    #[tokio::test]
    async fn buttons_press_what_they_say_until_the_run_has_ended() {
        let desk = desk(Progress::default(), None);
        for (button, paused, stopped) in
            [("pause", true, false), ("resume", false, false), ("stop", false, true)]
        {
            assert_eq!(desk.press(button).status(), StatusCode::NO_CONTENT);
            let Show { pause, stop, .. } = &desk.show;
            assert_eq!((pause.is_paused(), stop.is_cancelled()), (paused, stopped), "{button}");
        }
        let desk = super::tests::desk(Progress::default(), Some(Over { why: None }));
        let late = desk.press("pause");
        assert_eq!(late.status(), StatusCode::CONFLICT);
        assert_eq!(text(late).await, r#"{"error":"the run has ended"}"#);
        assert!(!desk.show.pause.is_paused());
    }

    #[tokio::test]
    async fn a_run_that_cannot_write_is_not_well() {
        let full = RunOutcome::Stopped(StopReason::Disk("full".into()));
        let sick = desk(Progress { stopping: Some(full), ..Progress::default() }, None).health();
        assert_eq!(sick.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text(sick).await, "the disk cannot be written: full\n");
        assert_eq!(text(desk(Progress::default(), None).health()).await, "ok\n");
    }
}

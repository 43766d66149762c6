//! A server as fast as hyper allows that speaks the gateway's API, for speed runs only: one thread, no checks, no faults.
//! fastsim PORT RENDER_MS FILE_BYTES; GET /_truth answers the counts and the peak POST rate per second,
//! GET /_arrivals when each POST arrived, in microseconds since the start.
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn, Method, Request, Response};
use std::{cell::RefCell, convert::Infallible, rc::Rc, time::Instant};

#[derive(Default)]
struct Seen { posts: Vec<f64>, polls: u64, files: u64, created: Vec<f64> }

async fn serve(req: Request<Incoming>, s: Rc<RefCell<Seen>>, t0: Instant, render: f64, file: Bytes, port: u16) -> Result<Response<Full<Bytes>>, Infallible> {
    let now = t0.elapsed().as_secs_f64();
    let path = req.uri().path().to_owned();
    let q = req.uri().query().unwrap_or("").to_owned();
    let json = |b: String| Response::builder().header("content-type", "application/json").body(Full::new(Bytes::from(b))).unwrap();
    if req.method() == Method::POST {
        let _ = req.into_body().collect().await;
        let mut s = s.borrow_mut();
        s.posts.push(now);
        s.created.push(now);
        let id = s.created.len() - 1;
        return Ok(json(format!(r#"{{"code":200,"msg":"success","data":{{"taskId":"t{id}","state":"pending","model":"kling-video/x"}}}}"#)));
    }
    if path.starts_with("/files/") {
        s.borrow_mut().files += 1;
        return Ok(Response::builder().header("content-type", "video/mp4").body(Full::new(file)).unwrap());
    }
    if path == "/_arrivals" {
        let s = s.borrow();
        let all: Vec<String> = s.posts.iter().map(|at| format!("{:.0}", at * 1e6)).collect();
        return Ok(json(format!("[{}]", all.join(","))));
    }
    if path == "/_truth" {
        let s = s.borrow();
        let mut peak = 0; let mut lo = 0;
        for hi in 0..s.posts.len() { while s.posts[hi] - s.posts[lo] >= 1.0 { lo += 1 } peak = peak.max(hi - lo + 1); }
        let span = s.posts.last().unwrap_or(&0.0) - s.posts.first().unwrap_or(&0.0);
        return Ok(json(format!(r#"{{"posts":{},"polls":{},"files":{},"peak_posts_per_s":{peak},"post_span_s":{span:.3}}}"#, s.posts.len(), s.polls, s.files)));
    }
    if let Some(id) = q.strip_prefix("task_id=t").and_then(|x| x.parse::<usize>().ok()) {
        let mut s = s.borrow_mut();
        s.polls += 1;
        let created = s.created.get(id).copied().unwrap_or(f64::INFINITY);
        let b = if now - created >= render {
            format!(r#"{{"code":200,"msg":"success","data":{{"taskId":"t{id}","state":"completed","model":"kling-video/x","resultUrls":["http://127.0.0.1:{port}/files/t{id}.mp4"],"createTime":1705123450000,"completeTime":1705123500000}}}}"#)
        } else {
            format!(r#"{{"code":200,"msg":"success","data":{{"taskId":"t{id}","state":"processing","model":"kling-video/x"}}}}"#)
        };
        return Ok(json(b));
    }
    Ok(Response::builder().status(404).body(Full::new(Bytes::from_static(b"{\"code\":404,\"msg\":\"no\"}"))).unwrap())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let port: u16 = a[1].parse().unwrap();
    let render: f64 = a[2].parse::<f64>().unwrap() / 1000.0;
    let n: usize = a[3].parse().unwrap();
    let mut f = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2".to_vec();
    f.extend_from_slice(&((n.max(32) - 24) as u32).to_be_bytes());
    f.extend_from_slice(b"mdat");
    f.resize(n.max(32), 7);
    let file = Bytes::from(f);
    let s = Rc::new(RefCell::new(Seen::default()));
    let t0 = Instant::now();
    let l = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::task::LocalSet::new().run_until(async move {
        loop {
            let (c, _) = l.accept().await.unwrap();
            c.set_nodelay(true).ok();
            let (s, file) = (s.clone(), file.clone());
            tokio::task::spawn_local(async move {
                let svc = service_fn(move |r| serve(r, s.clone(), t0, render, file.clone(), port));
                let _ = hyper::server::conn::http1::Builder::new().pipeline_flush(true).serve_connection(hyper_util::rt::TokioIo::new(c), svc).await;
            });
        }
    }).await;
}

//! HTTP for those who look on: `/metrics` for Prometheus, `/health` for supervisors. Small, plain, for the loopback or a private net.

pub mod metrics;
mod page;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;

use metrics::Running;

/// Connections at a time: a scraper needs one.
const MOST_CONNECTIONS: usize = 32;

/// Answers on a thread of its own until the process ends.
///
/// # Errors
/// When the address cannot be listened on, or there are no more threads.
pub fn start(address: SocketAddr, running: Arc<Running>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new().name("walstreet-http".to_owned());
    thread.spawn(move || {
        if let Err(error) = runtime.block_on(serve(listener, running)) {
            tracing::error!(%error, "metrics are not served any more");
        }
    })?;
    Ok(address)
}

async fn serve(listener: TcpListener, running: Arc<Running>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(tokio::sync::Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return Ok(());
        };
        let (socket, _) = listener.accept().await?;
        let running = Arc::clone(&running);
        tokio::spawn(async move {
            let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
                let answer = answer(&running, request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            // A client that goes away is no concern of ours.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(socket), service)
                    .await,
            );
            drop(permit);
        });
    }
}

fn answer(running: &Running, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let (status, text) = match (method, path) {
        (&Method::GET, "/metrics") => (200, running.metrics()),
        (&Method::GET, "/health") => match running.health() {
            Ok(()) => (200, "ok\n".to_owned()),
            Err(what) => (503, what + "\n"),
        },
        _ => (404, "GET /metrics or /health\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() =
        hyper::StatusCode::from_u16(status).expect("three statuses of our own");
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

//! The fake Slack on a socket: Slack's paths, the control paths and the page.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::workspace::{Answer, Reply, Request, Target, Workspace};
use crate::notify::clock::Clock;

const PAGE: &str = include_str!("page.html");
const SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");
const LARGEST_BODY: usize = 1 << 20;
/// How many messages the page shows.
const SHOWN: usize = 200;

/// A workspace behind a listening socket.
#[derive(Clone, Debug)]
pub struct FakeSlack {
    workspace: Arc<Mutex<Workspace>>,
    clock: Clock,
}

impl FakeSlack {
    pub fn new(workspace: Workspace) -> Self {
        Self {
            workspace: Arc::new(Mutex::new(workspace)),
            clock: Clock::start(),
        }
    }

    /// A panic elsewhere leaves the messages readable.
    pub fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers until cancelled; open connections end with it.
    ///
    /// # Errors
    /// When the socket accepts no more.
    pub async fn serve(self, listener: TcpListener, cancel: CancellationToken) -> io::Result<()> {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (socket, _) = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted?,
            };
            let slack = self.clone();
            connections.spawn(async move {
                let service = service_fn(|request| slack.answer(request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service);
                // A client that goes away, and a fault that closes the connection, end here alike.
                drop(connection.await);
            });
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Closed> {
        let path = request.uri().path().to_owned();
        let method = request.method().clone();
        if let Some(target) = slack_target(&path) {
            let request = read(target, request).await?;
            return self.slack(&request).await;
        }
        Ok(match (&method, path.as_str()) {
            (&Method::GET, "/") => page(),
            (&Method::GET, "/control/state") => json_answer(200, &self.state()),
            (&Method::GET, "/control/log") => json_answer(200, &json!(self.workspace().log)),
            (&Method::POST, "/control/faults") => self.add_faults(request).await?,
            (&Method::DELETE, "/control/faults") => {
                self.workspace().faults.clear();
                json_answer(200, &json!({"ok": true}))
            }
            (&Method::POST, "/control/reset") => {
                self.workspace().forget();
                json_answer(200, &json!({"ok": true}))
            }
            _ => json_answer(404, &json!({"ok": false, "error": "no such path"})),
        })
    }

    async fn slack(&self, request: &Request) -> Result<Response<Full<Bytes>>, Closed> {
        let reply = self.workspace().answer(request, self.clock.now());
        let scopes = self.workspace().scopes.parse().ok();
        match reply {
            Reply::Answer(answer) => {
                // Even a sleep of nothing lasts for a tick of the timer, 1 ms.
                if !answer.delay.is_zero() {
                    tokio::time::sleep(answer.delay).await;
                }
                let mut response = response(answer);
                if let (Target::Method(_), Some(scopes)) = (&request.target, scopes) {
                    response.headers_mut().insert(SCOPES, scopes);
                }
                Ok(response)
            }
            Reply::Close => Err(Closed),
            Reply::Hang => std::future::pending().await,
        }
    }

    /// A fault a line.
    async fn add_faults(
        &self,
        request: hyper::Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Closed> {
        let body = body(request).await?;
        let text = String::from_utf8_lossy(&body);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let faults: Result<Vec<Fault>, _> = lines.map(str::parse).collect();
        Ok(match faults {
            Ok(faults) => {
                faults
                    .into_iter()
                    .for_each(|fault| self.workspace().faults.add(fault));
                json_answer(200, &json!({"ok": true}))
            }
            Err(error) => json_answer(400, &json!({"ok": false, "error": error.to_string()})),
        })
    }

    fn state(&self) -> Value {
        let workspace = self.workspace();
        let first = workspace.posted.len().saturating_sub(SHOWN);
        let faults: Vec<_> = workspace
            .faults
            .active()
            .iter()
            .map(ToString::to_string)
            .collect();
        json!({
            "counters": workspace.counters,
            "faults": faults,
            "names": workspace.names,
            "messages": workspace.posted[first..],
            // How many come before them.
            "earlier": first,
        })
    }
}

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct Closed;

/// Listens where asked.
///
/// # Errors
/// When the address is taken or not ours.
pub async fn listen(ip: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(ip, port)).await
}

fn slack_target(path: &str) -> Option<Target> {
    if let Some(method) = path.strip_prefix("/api/") {
        return Some(Target::Method(method.to_owned()));
    }
    let webhook = path.strip_prefix("/services/")?;
    Some(Target::Webhook(webhook.to_owned()))
}

async fn read(target: Target, request: hyper::Request<Incoming>) -> Result<Request, Closed> {
    let header = |name| {
        let value = request.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let authorization = header(AUTHORIZATION);
    let content_type = header(CONTENT_TYPE).unwrap_or_default();
    let mut parameters = pairs(request.uri().query().unwrap_or_default());
    let body = body(request).await?;
    if content_type.starts_with("application/x-www-form-urlencoded") {
        parameters.extend(pairs(&String::from_utf8_lossy(&body)));
    }
    Ok(Request {
        target,
        authorization,
        json_body: content_type.starts_with("application/json"),
        body: body.to_vec(),
        parameters,
    })
}

async fn body(request: hyper::Request<Incoming>) -> Result<Bytes, Closed> {
    let limited = Limited::new(request.into_body(), LARGEST_BODY);
    let collected = limited.collect().await.map_err(|_| Closed)?;
    Ok(collected.to_bytes())
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    reqwest::Url::parse("http://localhost/")
        .map(|mut url| {
            url.set_query(Some(text));
            url.query_pairs().into_owned().collect()
        })
        .unwrap_or_default()
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let is_json = answer.body.starts_with('{');
    let content_type = if is_json {
        "application/json; charset=utf-8"
    } else {
        "text/html"
    };
    let mut builder = Response::builder()
        .status(answer.status)
        .header(CONTENT_TYPE, content_type);
    if let Some(seconds) = answer.retry_after {
        builder = builder.header(RETRY_AFTER, seconds);
    }
    if let Some(location) = answer.location {
        builder = builder.header(LOCATION, location);
    }
    builder
        .body(Full::new(Bytes::from(answer.body)))
        .unwrap_or_else(|_| json_answer(500, &json!({"ok": false, "error": "fatal_error"})))
}

fn page() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(PAGE.as_bytes())));
    let html = hyper::header::HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

fn json_answer(status: u16, value: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() =
        hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let json = hyper::header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::PAGE;

    #[test]
    fn the_page_takes_nothing_from_elsewhere_and_never_reads_text_as_markup() {
        assert!(PAGE.contains("default-src 'none'"));
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "eval(",
            "src=",
            "@import",
        ] {
            assert!(!PAGE.contains(word), "{word}");
        }
    }
}

//! A small HTTP client for loopback: the control API, health questions, services' operator pages.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A pooled client; cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    token: Option<String>,
}

/// An answer read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Bytes,
}

/// An answer read as it comes, line by line.
pub struct Lines {
    body: Incoming,
    rest: Vec<u8>,
}

/// Why there is no answer, in one line.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Refused or reset.
    #[error("{0}")]
    Lost(String),
    /// Not within the limit.
    #[error("{0}")]
    Late(String),
    /// Not a success; what the other side said.
    #[error("{0}")]
    Refused(String),
}

impl Http {
    /// A client that sends `token` as a bearer token, if there is one.
    pub fn new(token: Option<String>) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), token }
    }

    /// Asks and reads the whole answer, within `limit`.
    ///
    /// # Errors
    /// [`NoAnswer::Lost`], [`NoAnswer::Late`].
    pub async fn ask(&self, method: Method, url: &str, limit: Duration) -> Result<Reply, NoAnswer> {
        self.tell(method, url, String::new(), limit).await
    }

    /// As [`Http::ask`], with a JSON body unless it is empty.
    ///
    /// # Errors
    /// [`NoAnswer::Lost`], [`NoAnswer::Late`].
    pub async fn tell(&self, method: Method, url: &str, json: String, limit: Duration) -> Result<Reply, NoAnswer> {
        self.tell_as(self.token.as_deref(), method, url, json, limit).await
    }

    /// As [`Http::tell`], with another bearer token.
    ///
    /// # Errors
    /// [`NoAnswer::Lost`].
    pub async fn tell_as(
        &self,
        bearer: Option<&str>,
        method: Method,
        url: &str,
        json: String,
        limit: Duration,
    ) -> Result<Reply, NoAnswer> {
        let asked = async {
            let response = self.send(bearer, method, url, json).await?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|error| NoAnswer::Lost(chain(&error)))?;
            Ok(Reply { status, body: body.to_bytes() })
        };
        match tokio::time::timeout(limit, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer::Late(format!("no answer from {url} within {limit:?}"))),
        }
    }

    /// Asks and reads lines as they come.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn lines(&self, url: &str) -> Result<Lines, NoAnswer> {
        let response = self.send(self.token.as_deref(), Method::GET, url, String::new()).await?;
        if !response.status().is_success() {
            let body = response.into_body().collect().await.map_err(|error| NoAnswer::Lost(chain(&error)))?;
            return Err(NoAnswer::Refused(String::from_utf8_lossy(&body.to_bytes()).into_owned()));
        }
        Ok(Lines { body: response.into_body(), rest: Vec::new() })
    }

    async fn send(
        &self,
        bearer: Option<&str>,
        method: Method,
        url: &str,
        json: String,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !json.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::from(json)).map_err(|error| NoAnswer::Lost(format!("{url}: {error}")))?;
        self.client.request(request).await.map_err(|error| NoAnswer::Lost(format!("{url}: {}", chain(&error))))
    }
}

impl Lines {
    /// The next line; `None` at the end, also when the other side went away.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }
}

/// An error with its causes: `client error (Connect): tcp connect error: Connection refused`.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

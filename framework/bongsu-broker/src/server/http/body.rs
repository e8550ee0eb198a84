//! Reading a request's body: typed, bounded in size, time and memory over all requests.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bongsu_runtime::ports::broker::BrokerError;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use tokio::{sync::OwnedSemaphorePermit, time};

use crate::{
    server::shared::Shared,
    wire::{MAX_BODY, Problem},
};

/// What a body may call itself. A form, which a foreign web page could post here, is not among them.
const TYPES: [&str; 3] = ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"];

/// A body in memory, with the permission to be there.
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    permit: OwnedSemaphorePermit,
}

impl Read {
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        serde_json::from_slice(&self.bytes)
            .map_err(|error| Problem::refused(400, format!("not what is asked for: {error}")))
    }

    pub(crate) fn into_permit(self) -> OwnedSemaphorePermit {
        self.permit
    }
}

impl FromRequest<Arc<Shared>> for Read {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        check_type(&head.headers)?;
        let length = declared_length(&head.headers).unwrap_or(MAX_BODY);
        if length > MAX_BODY {
            return Err(too_large());
        }
        let kilobytes = u32::try_from((length >> 10) + 1).unwrap_or(u32::MAX);
        let permit = Arc::clone(&shared.bodies).try_acquire_many_owned(kilobytes);
        let permit = permit.map_err(|_| BrokerError::Unavailable("too much is being published at once".into()))?;
        let read = time::timeout(shared.limits.body_timeout, Limited::new(body, length).collect()).await;
        let read = read.map_err(|_| Problem::refused(408, "the body did not arrive in time"))?;
        let bytes = read.map_err(|error| {
            if error.is::<LengthLimitError>() { too_large() } else { Problem::refused(400, "the body broke off") }
        })?;
        Ok(Self { bytes: bytes.to_bytes(), permit })
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let given = given.split(';').next().unwrap_or("").trim();
    if TYPES.iter().any(|known| given.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Problem::refused(415, format!("content-type must be one of {}", TYPES.join(", "))))
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    Problem::refused(413, format!("a body has at most {MAX_BODY} bytes"))
}

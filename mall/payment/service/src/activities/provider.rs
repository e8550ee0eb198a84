//! The anti-corruption layer: the provider's words stay in here.

use std::time::Duration;

use bongsu_runtime::{
    Unavailable,
    ports::env::{HttpClient, HttpRequest},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::settings::Settings;

/// How the provider is reached.
#[derive(Clone, Debug)]
pub struct Provider {
    base: String,
    deadline: Duration,
}

/// The provider will never take this request; with the status of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) u16);

/// Whether a client error will be the same next time: not a wrong moment (408, 425), nor too many (429), nor a key that is
/// being renewed (401, 403).
fn is_final(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 401 | 403 | 408 | 425 | 429)
}

impl Provider {
    /// The provider of these settings.
    pub fn new(settings: &Settings) -> Self {
        let base = settings.provider.trim_end_matches('/').to_owned();
        Self { base, deadline: Duration::from_millis(settings.deadline_ms) }
    }

    /// Posts a request that carries its own key. [`Refused`] is final: the same request will never be taken, and had no
    /// effect.
    ///
    /// # Errors
    /// [`Unavailable`] when there was no answer, the answer is not final, or it makes no sense: whether the
    /// request took effect is then unknown, and it is asked again under the same key.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        http: &dyn HttpClient,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Result<T, Refused>, Unavailable> {
        let request = HttpRequest {
            method: "POST",
            url: format!("{}{path}", self.base),
            headers: vec![("content-type".into(), "application/json".into())],
            body: serde_json::to_vec(body).map_err(|error| Unavailable(error.to_string()))?.into(),
            deadline: self.deadline,
        };
        let answer = http.send(request).await.map_err(|error| Unavailable(error.to_string()))?;
        match answer.status {
            200 => {}
            status if is_final(status) => return Ok(Err(Refused(status))),
            status => return Err(Unavailable(format!("the provider answered {status}"))),
        }
        serde_json::from_slice(&answer.body)
            .map(Ok)
            .map_err(|error| Unavailable(format!("the provider's answer makes no sense: {error}")))
    }
}

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

impl Provider {
    /// The provider of these settings.
    pub fn new(settings: &Settings) -> Self {
        let base = settings.provider.trim_end_matches('/').to_owned();
        Self { base, deadline: Duration::from_millis(settings.deadline_ms) }
    }

    /// Posts a request that carries its own key.
    ///
    /// # Errors
    /// [`Unavailable`] when there was no answer, the answer is not final, or it makes no sense: whether the
    /// request took effect is then unknown, and it is asked again under the same key.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        http: &dyn HttpClient,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Unavailable> {
        let request = HttpRequest {
            method: "POST",
            url: format!("{}{path}", self.base),
            headers: vec![("content-type".into(), "application/json".into())],
            body: serde_json::to_vec(body).map_err(|error| Unavailable(error.to_string()))?.into(),
            deadline: self.deadline,
        };
        let answer = http.send(request).await.map_err(|error| Unavailable(error.to_string()))?;
        if answer.status != 200 {
            return Err(Unavailable(format!("the provider answered {}", answer.status)));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| Unavailable(format!("the provider's answer makes no sense: {error}")))
    }
}

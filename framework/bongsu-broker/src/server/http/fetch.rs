//! Fetching: for consumers, who wait, and for people, who look.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use bongsu_runtime::ports::broker::BrokerError;
use serde::Deserialize;
use tokio::time;

use super::body::Read;
use crate::{
    server::{
        answer::FetchAnswer,
        index::Indexed,
        reader::{Budget, Span},
        shared::Shared,
    },
    wire::{Fetch, MAX_FETCH, MAX_WAIT_MS, MAX_WANT, Place, Problem},
};

/// Most messages in one answer, whatever their size.
const MAX_MESSAGES: usize = 50_000;

/// What people may ask for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Look {
    #[serde(default)]
    partition: u32,
    offset: Option<u64>,
    limit: Option<usize>,
}

/// A partition somebody wants to read on in.
struct Wanted {
    topic: Arc<Indexed>,
    index: u32,
    from: u64,
}

/// `POST /fetch`.
pub(crate) async fn fetch(State(shared): State<Arc<Shared>>, body: Read) -> Result<Response, Problem> {
    let (wanted, bytes, wait) = {
        let Fetch { want, max_bytes, wait_ms } = body.json()?;
        if want.len() > MAX_WANT {
            return Err(BrokerError::Invalid(format!("{} partitions are over {MAX_WANT}", want.len())).into());
        }
        let wanted = want.into_iter().map(|place| Wanted::find(&shared, &place)).collect::<Result<Vec<_>, _>>()?;
        (wanted, max_bytes.min(MAX_FETCH) as usize, Duration::from_millis(wait_ms.min(MAX_WAIT_MS)))
    };
    // A waiting fetch holds no memory for its body.
    drop(body);
    let spans = shared.await_something(&wanted, wait).await?;
    shared.answer(spans, Budget { bytes, messages: MAX_MESSAGES }).await
}

/// `GET /topics/{name}/events?partition=&offset=&limit=`; without an offset from the earliest.
pub(crate) async fn people(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    look: Result<Query<Look>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Look { partition: index, offset, limit }) =
        look.map_err(|error| Problem::refused(400, error.body_text()))?;
    let topic = shared.index.topic(&name)?;
    let earliest = topic.bound(index)?.get().0;
    let wanted = Wanted { topic, index, from: offset.unwrap_or(earliest) };
    let spans = wanted.span()?.into_iter().collect();
    let messages = limit.unwrap_or(100).min(1_000);
    shared.answer(spans, Budget { bytes: MAX_FETCH as usize, messages }).await
}

impl Wanted {
    fn find(shared: &Shared, place: &Place<'_>) -> Result<Self, BrokerError> {
        let topic = shared.index.topic(&place.topic)?;
        topic.bound(place.partition)?;
        Ok(Self { topic, index: place.partition, from: place.offset })
    }

    /// What there is to read now.
    fn span(&self) -> Result<Option<Span>, BrokerError> {
        let end = self.topic.end_after(self.index, self.from)?;
        let span = || Span { topic: Arc::clone(&self.topic), index: self.index, from: self.from, end };
        Ok((end > self.from).then(span))
    }
}

impl Shared {
    /// Everything there is to read, as soon as there is anything; nothing when the time is up.
    async fn await_something(&self, wanted: &[Wanted], wait: Duration) -> Result<Vec<Span>, BrokerError> {
        let mut bell = self.index.listen();
        let mut stopping = pin!(self.stopping());
        let mut time_is_up = pin!(time::sleep(wait));
        loop {
            // Before looking, so that an append in between rings.
            bell.borrow_and_update();
            let spans: Vec<Span> =
                wanted.iter().filter_map(|wanted| wanted.span().transpose()).collect::<Result<_, _>>()?;
            if !spans.is_empty() || wait.is_zero() {
                return Ok(spans);
            }
            tokio::select! {
                biased;
                _ = bell.changed() => {}
                () = &mut stopping => return Ok(Vec::new()),
                () = &mut time_is_up => return Ok(Vec::new()),
            }
        }
    }

    async fn answer(&self, spans: Vec<Span>, budget: Budget) -> Result<Response, Problem> {
        let mut answer = FetchAnswer::new(self.index.log, &self.index.partings());
        if !spans.is_empty() {
            answer = self.readers.read(spans, budget, answer).await?;
        }
        Ok(([(header::CONTENT_TYPE, "application/json")], answer.finish()).into_response())
    }
}

//! Publishing: by a service with positions, or by anybody.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use bongsu_runtime::ports::{
    broker::{Attributes, BrokerError, History, HistoryId, Place, Standing},
    store::CommitId,
};
use serde_json::value::RawValue;

use super::{body::Read, who::Who};
use crate::{
    server::{
        log::{Batch, From, Message},
        shared::Shared,
        writer::Work,
    },
    wire::{MAX_BATCH, Placed, Problem, Publish, TakeUp, Taken},
};

/// `POST /publish`.
pub(crate) async fn service(State(shared): State<Arc<Shared>>, who: Who, body: Read) -> Result<Json<Taken>, Problem> {
    let batch = {
        let Publish { service, epoch, refill, history, after, after_ordinal, after_commit, messages } = body.json()?;
        check_count(messages.len())?;
        if service.is_empty() {
            return Err(BrokerError::Invalid("a service has a name".into()).into());
        }
        who.may_speak_as(&service)?;
        let fell = messages.windows(2).find(|pair| place(&pair[1]).order() < place(&pair[0]).order());
        if let Some([was, is]) = fell {
            let why = format!("position {} comes after {} in one batch", is.position, was.position);
            return Err(BrokerError::Invalid(why).into());
        }
        let messages = messages.iter().map(|placed| {
            let read = Attributes::of_told(placed.event.get().as_bytes())?;
            who.may_tell(&placed.topic, &read)?;
            let key = read.partitionkey.into_owned();
            let event = body.bytes.slice_ref(placed.event.get().as_bytes());
            let topic = placed.topic.clone().into_owned();
            Ok(Message { topic, key, place: place(placed), identity: None, event })
        });
        let messages = messages.collect::<Result<_, Problem>>()?;
        let after = Place { position: after, ordinal: after_ordinal, commit: commit(after_commit) };
        Batch { from: From::Service { name: service.into_owned(), epoch, refill, history, after }, messages }
    };
    shared.ask(Work::Append(batch), body).await.map(Json)
}

/// `POST /topics/{name}/events`: one CloudEvent or an array of them.
pub(crate) async fn anybody(
    State(shared): State<Arc<Shared>>,
    Path(topic): Path<String>,
    who: Who,
    body: Read,
) -> Result<Json<Taken>, Problem> {
    let batch = {
        let is_array = body.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        let events: Vec<&RawValue> = if is_array { body.json()? } else { vec![body.json()?] };
        check_count(events.len())?;
        let messages = events.into_iter().map(|event| {
            let read = Attributes::of_told(event.get().as_bytes())?;
            who.may_tell(&topic, &read)?;
            let identity = Some((read.source.into_owned(), read.id.into_owned()));
            let event = body.bytes.slice_ref(event.get().as_bytes());
            Ok(Message {
                topic: topic.clone(),
                key: read.partitionkey.into_owned(),
                place: Place::default(),
                identity,
                event,
            })
        });
        Batch { from: From::Anybody, messages: messages.collect::<Result<_, Problem>>()? }
    };
    shared.ask(Work::Append(batch), body).await.map(Json)
}

/// `GET /producers/{service}`: what is known of a service that publishes.
pub(crate) async fn standing(State(shared): State<Arc<Shared>>, Path(service): Path<String>) -> Json<Standing> {
    Json(shared.index.standing(&service))
}

/// `PUT /producers/{service}`.
pub(crate) async fn take_up(
    State(shared): State<Arc<Shared>>,
    Path(service): Path<String>,
    who: Who,
    body: Read,
) -> Result<StatusCode, Problem> {
    who.may_speak_as(&service)?;
    let TakeUp { epoch, history, partings } = body.json()?;
    let work = Work::TakeUp { service, epoch, history: History { id: history, partings } };
    shared.ask(work, body).await.map(|_| StatusCode::NO_CONTENT)
}

fn place(placed: &Placed<'_>) -> Place {
    Place { position: placed.position, ordinal: placed.ordinal, commit: commit(placed.commit) }
}

fn commit(named: Option<HistoryId>) -> Option<CommitId> {
    named.map(|HistoryId(id)| CommitId(id))
}

fn check_count(count: usize) -> Result<(), Problem> {
    if count > MAX_BATCH {
        return Err(Problem::refused(413, format!("{count} messages are over {MAX_BATCH}")));
    }
    Ok(())
}

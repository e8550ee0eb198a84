//! The HTTP API: write a note, list all. Handlers only translate.

use axum::{Router, extract::State, http::StatusCode, response::Response};
use bongsu_host::{
    allow::Allow,
    command::{self, Command},
    idempotency::IdempotencyKey,
    list::{List, Page},
    openapi::{Api, routes},
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome, Range, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    AllNotes,
    note::{NoteId, NoteRejection, Notes, Write},
};

/// Every route with its description.
pub fn api() -> Api<Handle> {
    Api::new("note").about("A note is written once.").routes(Allow::Authenticated, routes!(list, write))
}

/// The same of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}

/// A note.
#[derive(Serialize, Deserialize, ToSchema)]
struct ShownNote {
    #[schema(value_type = String, min_length = 1, max_length = 32)]
    id: NoteId,
    text: String,
}

/// A note that was written.
#[derive(Serialize, ToSchema)]
struct WrittenNote {
    #[schema(value_type = String)]
    id: NoteId,
    /// For `after` of a later read.
    position: String,
}

/// All notes, by id.
#[utoipa::path(
    get, path = "/notes", operation_id = "listNotes",
    params(List),
    responses((status = 200, description = "A page.", body = Page<ShownNote>)),
)]
async fn list(State(handle): State<Handle>, list: List) -> Result<Response, Problem> {
    let range = Range { after: list.cursor.clone(), limit: list.limit, ..Range::default() };
    let page = handle.rows::<AllNotes>(range).await?;
    let shown = page.rows.into_iter().map(|(_, row)| ShownNote { id: row.id, text: row.text });
    Ok(list.page(shown.collect(), page.next))
}

/// Writes a note.
#[utoipa::path(
    post, path = "/notes", operation_id = "writeNote",
    params(IdempotencyKey), request_body = ShownNote,
    responses((status = 201, description = "Written.", body = WrittenNote)),
)]
async fn write(State(handle): State<Handle>, command: Command<ShownNote>) -> Result<Response, Problem> {
    let ShownNote { id, text } = &command.body;
    if !(1..=32).contains(&id.len()) {
        return Err(Problem::invalid("/id", "1 to 32 bytes"));
    }
    let write = Write { id: id.clone(), text: text.clone() };
    Ok(command::respond(handle.execute::<Notes, _>(write, command.call(), reply).await?))
}

fn reply(outcome: Outcome<'_, NoteRejection>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::CREATED, &WrittenNote { id: id.into(), position: token.to_string() })
        }
        Outcome::Rejected(NoteRejection::AlreadyWritten) => {
            Problem::new(StatusCode::CONFLICT, "already-written", "It was written before").reply()
        }
    }
}

//! What an HTTP adapter needs to turn a request into a call of the runtime, and its answer into a response.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, FromRequestParts, MatchedPath, Request},
    response::{IntoResponse, Response},
};
use bongsu_core::{CommandId, Ctx};
use bongsu_runtime::{Answer, Call, Once, Reply, ports::env::Env};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    idempotency::{IDEMPOTENCY_REPLAYED, IdempotencyKey, once},
    json,
    principal::Principal,
    problem::Problem,
    revision::Decided,
    trace::Trace,
};

/// A command over HTTP: its body, who sent it, and the key that makes it happen once.
///
/// 401 without a principal, 400 without an `Idempotency-Key`, and whatever [`json::Json`] refuses.
///
/// ```
/// use axum::{extract::State, response::Response};
/// # use bongsu_core::{Aggregate, Ctx, Decider};
/// use bongsu_core::message;
/// use bongsu_host::{command::{self, Command}, problem::Problem};
/// use bongsu_runtime::{Handle, Outcome};
/// use http::StatusCode;
///
/// #[message("door.open", version = 1, key = door)]
/// struct Open { door: String }
/// # #[message("door.opened", version = 1)]
/// # struct Opened {}
/// # #[message("door.already-open", version = 1)]
/// # struct AlreadyOpen {}
/// # struct Door;
/// # impl Aggregate for Door {
/// #     const NAME: &'static str = "door";
/// #     type Event = Opened;
/// #     type State = bool;
/// #     fn evolve(open: &mut bool, _: &Opened) { *open = true; }
/// # }
/// # impl Decider for Door {
/// #     type Command = Open;
/// #     type Rejection = AlreadyOpen;
/// #     fn decide(&self, open: &bool, _: Open, _: &Ctx) -> Result<Vec<Opened>, AlreadyOpen> { Ok(vec![Opened {}]) }
/// # }
///
/// async fn open(State(handle): State<Handle>, command: Command<Open>) -> Result<Response, Problem> {
///     let answer = handle.execute::<Door, _>(command.body.clone(), command.call(), |outcome| match outcome {
///         Outcome::Accepted { id, .. } => command::reply(StatusCode::ACCEPTED, &serde_json::json!({ "door": id })),
///         Outcome::Rejected(AlreadyOpen {}) => {
///             Problem::new(StatusCode::CONFLICT, "already-open", "The door is already open").reply()
///         }
///     }).await?;
///     Ok(command::respond(answer))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Command<T> {
    /// The body.
    pub body: T,
    /// Who sent it.
    pub caller: Caller,
    call: Call,
}

/// Who is asking and in which trace; for what needs no `Idempotency-Key`.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// In which trace.
    pub trace: Trace,
    call: Call,
}

/// A body that says nothing: `Command<NoBody>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
pub struct NoBody {}

/// The environment of the process, as an extension of every request.
#[derive(Clone)]
pub(crate) struct Surroundings(pub(crate) Arc<dyn Env>);

impl<T> Command<T> {
    /// The call to hand to the runtime, with the once-key.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The principal's name.
    pub fn principal(&self) -> &str {
        self.caller.principal.as_str()
    }
}

impl Caller {
    /// A call without a once-key: sent twice, it happens twice.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The same caller's call under a key.
    fn once(&self, once: Once, id: CommandId) -> Call {
        let mut ctx = Ctx::new(self.call.ctx.now_ms, id, self.principal.as_str());
        ctx.traceparent.clone_from(&self.call.ctx.traceparent);
        Call { ctx, once: Some(once) }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let principal = Principal::of(&parts.headers)?;
        let trace = Trace::from_request_parts(parts, state).await?;
        let Some(Surroundings(env)) = parts.extensions.get() else {
            tracing::error!("a route that takes commands is not served by the host");
            return Err(Problem::internal());
        };
        let random = u128::from(env.random()) << 64 | u128::from(env.random());
        let mut ctx = Ctx::new(env.wall_ms(), CommandId(random), principal.as_str());
        ctx.traceparent = Some(trace.traceparent());
        Ok(Self { principal, trace, call: Call { ctx, once: None } })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Command<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let key = IdempotencyKey::of(&parts.headers)?;
        let template = parts.extensions.get::<MatchedPath>().map_or(parts.uri.path(), MatchedPath::as_str);
        let id = key.command_id(&caller.principal, &format!("{} {template}", parts.method));
        let uri = parts.uri.clone();
        let (body, bytes) = json::read(Request::from_parts(parts, body)).await?;
        let call = caller.once(once(id, &uri, &bytes), id);
        Ok(Self { body, caller, call })
    }
}

/// A JSON answer, to be stored with the once-key.
pub fn reply(status: StatusCode, body: &impl Serialize) -> Reply {
    match serde_json::to_vec(body) {
        Ok(body) => Reply {
            status: status.as_u16(),
            headers: vec![(header::CONTENT_TYPE.to_string(), "application/json".to_owned())],
            body: Bytes::from(body),
        },
        Err(why) => {
            tracing::error!(reason = %why, "an answer does not encode as JSON");
            Problem::internal().reply()
        }
    }
}

/// The runtime's answer as a response; one that was given before is marked.
pub fn respond(answer: Answer) -> Response {
    let Answer { reply, replayed, revision } = answer;
    let Ok(status) = StatusCode::from_u16(reply.status) else {
        tracing::error!(status = reply.status, "a stored answer has no HTTP status");
        return Problem::internal().into_response();
    };
    let mut response = Response::new(reply.body.into());
    *response.status_mut() = status;
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    if replayed || revision.is_some() {
        response.extensions_mut().insert(Decided(revision));
    }
    if replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

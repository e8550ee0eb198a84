//! What the extractors of this crate read from a request, for `params(…)` of a description.

use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::{
        Ref, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use crate::{
    after::After,
    etag::{IfMatch, IfNoneMatch},
    idempotency::IdempotencyKey,
    list::List,
    past::When,
    sse::EventStream,
};

/// A parameter whose schema is among the shared ones.
fn parameter(name: &str, place: ParameterIn, required: Required, schema: &str, about: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(about))
        .schema(Some(Ref::from_schema_name(schema)))
        .build()
}

impl IntoParams for List {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let query = |name, schema, about| parameter(name, ParameterIn::Query, Required::False, schema, about);
        vec![
            query("cursor", "Cursor", "Continue a list where a page ended: `next` of that page."),
            query("limit", "Limit", "Most items of a page."),
        ]
    }
}

impl IntoParams for After {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The `position` of an earlier answer: wait, at most 2 s, until this answer shows it.";
        vec![parameter("after", ParameterIn::Query, Required::False, "Position", about)]
    }
}

impl IntoParams for When {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let query = |name, schema, about| parameter(name, ParameterIn::Query, Required::False, schema, about);
        vec![
            query("at", "Time", "As it was at this time; not together with `version`."),
            query("version", "Version", "As it was at this version; not together with `at`."),
        ]
    }
}

impl IntoParams for EventStream {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = |name: &str, place, about| {
            let id = ParameterBuilder::new().name(name).parameter_in(place).required(Required::False);
            id.description(Some(about)).schema(Some(u64::schema())).build()
        };
        let again =
            "The same of a page that was loaded anew, whose browser does not say it. The header counts where both are.";
        vec![
            id("Last-Event-ID", ParameterIn::Header, "The id of the last event that was heard."),
            id("last-event-id", ParameterIn::Query, again),
        ]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about =
            "The client's own name for this request. Sent again, it gets the same answer and nothing happens twice.";
        vec![parameter("Idempotency-Key", ParameterIn::Header, Required::True, "IdempotencyKey", about)]
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The ETag that was read before: the change is made only to that version.";
        vec![parameter("If-Match", ParameterIn::Header, Required::True, "EntityTags", about)]
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The ETag of what the client has already: answered 304 while that is still so.";
        vec![parameter("If-None-Match", ParameterIn::Header, Required::False, "SeenTags", about)]
    }
}

//! A service's API with its OpenAPI 3.1 description, which it serves at `/openapi.json`.
//!
//! A handler says what is its own (`#[utoipa::path]`: parameters, body, answers). What every handler has in common, the
//! errors, the `Idempotency-Key`, `ETag`, `Link` and `Retry-After`, follows from its parameters: see [`conventions`].

pub mod conventions;
mod params;

use axum::{Json, Router, middleware::from_fn_with_state, routing::get};
use serde_json::{Value, json};
use utoipa::openapi::{InfoBuilder, OpenApiBuilder, PathItem, path::Operation};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::allow::{self, Allow};

pub use utoipa_axum::routes;

/// Where a process describes its API.
pub const OPENAPI_JSON: &str = "/openapi.json";

/// Routes with their description.
///
/// ```
/// use axum::{extract::Path, response::Response};
/// use bongsu_host::{allow::Allow, etag::{ETag, IfNoneMatch}, openapi::{Api, routes}, problem::Problem};
/// use serde::Serialize;
///
/// #[derive(Serialize, utoipa::ToSchema)]
/// struct Door { open: bool }
///
/// /// Whether a door is open.
/// #[utoipa::path(get, path = "/doors/{id}", params(IfNoneMatch), responses((status = 200, body = Door)))]
/// async fn one(Path(id): Path<String>, known: IfNoneMatch) -> Result<Response, Problem> {
///     Ok(known.answer(&ETag::version(1), &Door { open: id == "front" }))
/// }
///
/// let api: Api = Api::new("house").about("Doors.").routes(Allow::Public, routes!(one));
/// let described = &api.description()["paths"]["/doors/{id}"]["get"];
/// assert_eq!(described["parameters"][0]["name"], "If-None-Match");
/// assert_eq!(described["parameters"][1]["in"], "path");
/// let answers: Vec<&String> = described["responses"].as_object().unwrap().keys().collect();
/// assert_eq!(answers, ["200", "304", "400", "404", "414", "431", "500", "503"]);
/// ```
///
/// A route for which nobody decided who may use it does not compile:
///
/// ```compile_fail
/// # use bongsu_host::openapi::{Api, routes};
/// # #[utoipa::path(get, path = "/doors", responses((status = 200)))]
/// # async fn all() {}
/// let api: Api = Api::new("house").routes(routes!(all));
/// ```
pub struct Api<S = ()> {
    context: &'static str,
    router: OpenApiRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// The API of a context, with no route yet.
    pub fn new(context: &'static str) -> Self {
        let info = InfoBuilder::new().title(context).version(env!("CARGO_PKG_VERSION"));
        let empty = OpenApiBuilder::new().info(info.build()).build();
        Self { context, router: OpenApiRouter::with_openapi(empty) }
    }

    /// Says in one sentence what it is about.
    #[must_use]
    pub fn about(mut self, about: &str) -> Self {
        self.router.get_openapi_mut().info.description = Some(about.to_owned());
        self
    }

    /// Adds handlers of one path, and who may use them: `(Allow::Authenticated, routes!(list, register))`.
    #[must_use]
    pub fn routes(mut self, allow: Allow, (schemas, mut paths, handlers): UtoipaMethodRouter<S>) -> Self {
        let security = allow.described();
        for operation in paths.paths.values_mut().flat_map(operations) {
            operation.security = security.clone().and_then(|said| serde_json::from_value(said).ok());
        }
        let handlers = handlers.route_layer(from_fn_with_state(allow, allow::check));
        self.router = self.router.routes((schemas, paths, handlers));
        self
    }

    /// The description, with everything conventional in it.
    pub fn description(&self) -> Value {
        let mut described = serde_json::to_value(self.router.get_openapi())
            .unwrap_or_else(|error| json!({ "error": error.to_string() }));
        conventions::apply(&mut described, self.context);
        described
    }

    /// The routes, and `/openapi.json`.
    pub fn serve(self, state: S) -> Router {
        let described = self.description();
        let described = get(async move || Json(described.clone()));
        Router::from(self.router).with_state(state).route(OPENAPI_JSON, described)
    }
}

/// What can be asked at a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, head, options, .. } = item;
    [get, put, post, delete, patch, head, options].into_iter().flatten()
}

//! Who may: said of every route where it is added to an [`Api`](crate::openapi::Api), and asked before its handler runs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::request::Parts;
use serde_json::{Value, json};

use crate::{principal::Principal, problem::Problem};

/// How a description names that a thing is its owner's, where it otherwise names a role.
const OWNER: &str = "owner";
/// And that he need not be logged in.
const VISITOR: &str = "visitor";

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Whoever comes.
    Public,
    /// Whoever is logged in.
    Authenticated,
    /// Whoever has one of these roles.
    Roles(&'static [&'static str]),
    /// Whose thing it is, and whoever has one of these roles. The handler asks [`Owner`] whose it is; an answer for which
    /// nobody was asked is not sent.
    Owner(&'static [&'static str]),
    /// Whose thing it is, also if he is not logged in and has only the id that the gateway gave his browser: as
    /// [`Allow::Owner`] without roles. Every other route, but those for whoever comes, is closed to visitors.
    Visitor,
}

/// The caller of a route of [`Allow::Owner`] or [`Allow::Visitor`], who sees his own things and nobody else's.
///
/// ```
/// use axum::{Json, extract::Path, routing::get};
/// use bongsu_host::{allow::Owner, problem::Problem};
///
/// async fn door(Path(door): Path<String>, owner: Owner) -> Result<Json<String>, Problem> {
///     let keeper = if door == "front" { "ann" } else { "ben" };
///     owner.owns(keeper).then_some(Json(door)).ok_or_else(|| Problem::not_found("There is no such door."))
/// }
/// # let _: axum::Router = axum::Router::new().route("/doors/{id}", get(door));
/// ```
#[derive(Clone, Debug)]
pub struct Owner {
    principal: Principal,
    /// Whether a role lets him see what others own.
    sees_all: bool,
    asked: Arc<AtomicBool>,
}

impl Owner {
    /// The name under which his things are kept.
    pub fn as_str(&self) -> &str {
        self.asked.store(true, Ordering::Relaxed);
        self.principal.as_str()
    }

    /// Whether he came without a login.
    pub fn is_visitor(&self) -> bool {
        self.principal.is_visitor()
    }

    /// Who was in his browser before he logged in: what belonged to that one may become his.
    pub fn visitor(&self) -> Option<&str> {
        self.principal.visitor()
    }

    /// Whether he may see what belongs to that owner.
    pub fn owns(&self, owner: &str) -> bool {
        self.as_str() == owner || self.sees_all
    }
}

impl<S: Sync> FromRequestParts<S> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a handler asks for an owner, and its route is neither Allow::Owner nor Allow::Visitor");
            Problem::internal()
        })
    }
}

impl Allow {
    /// As a description says it (OpenAPI 3.1, security requirement): one of these is enough.
    pub(crate) fn described(self) -> Option<Value> {
        let principal = |what: &str| json!({ "principal": [what] });
        Some(match self {
            Self::Public => return None,
            Self::Authenticated => json!([{ "principal": [] }]),
            Self::Roles(roles) => roles.iter().map(|role| principal(role)).collect(),
            Self::Owner(roles) => [OWNER].iter().chain(roles).map(|who| principal(who)).collect(),
            Self::Visitor => [OWNER, VISITOR].iter().map(|who| principal(who)).collect(),
        })
    }
}

/// Asks who may before a handler runs, and an owner's handler whether it asked.
pub(crate) async fn check(State(allow): State<Allow>, request: Request, next: Next) -> Response {
    if allow == Allow::Public {
        return next.run(request).await;
    }
    let principal = match Principal::of(request.headers()) {
        Ok(principal) => principal,
        Err(nobody) => return nobody.into_response(),
    };
    if principal.is_visitor() && allow != Allow::Visitor {
        return Problem::nobody().into_response();
    }
    let has_one = |roles: &[&str]| roles.iter().any(|role| principal.is(role));
    match allow {
        Allow::Public | Allow::Authenticated => next.run(request).await,
        Allow::Roles(roles) if has_one(roles) => next.run(request).await,
        Allow::Roles(roles) => {
            Problem::forbidden(format!("This is for the role {}.", roles.join(" or "))).into_response()
        }
        Allow::Owner(roles) => owned(has_one(roles), principal, request, next).await,
        Allow::Visitor => owned(false, principal, request, next).await,
    }
}

/// Runs a handler that asks whose it is.
async fn owned(sees_all: bool, principal: Principal, mut request: Request, next: Next) -> Response {
    let owner = Owner { sees_all, principal, asked: Arc::default() };
    let asked = owner.asked.clone();
    request.extensions_mut().insert(owner);
    let response = next.run(request).await;
    let is_refused = response.status().is_client_error() || response.status().is_server_error();
    if is_refused || asked.load(Ordering::Relaxed) {
        return response;
    }
    tracing::error!("a handler answered and did not ask whose it is");
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, body::Body, extract::Path};
    use http::StatusCode;
    use tower::ServiceExt as _;

    use super::*;
    use crate::openapi::{Api, routes};

    #[utoipa::path(get, path = "/bell", responses((status = 200)))]
    async fn bell() {}
    #[utoipa::path(put, path = "/bell", responses((status = 200)))]
    async fn tune() {}
    #[utoipa::path(get, path = "/rooms", responses((status = 200)))]
    async fn rooms() {}
    #[utoipa::path(get, path = "/doors/{id}", responses((status = 200)))]
    async fn door(Path(door): Path<String>, owner: Owner) -> Result<Json<String>, Problem> {
        owner.owns("ann").then_some(Json(door)).ok_or_else(|| Problem::not_found("There is no such door."))
    }
    #[utoipa::path(get, path = "/keys/{id}", responses((status = 200)))]
    async fn key(_: Owner) {}
    #[utoipa::path(get, path = "/locks/{id}", responses((status = 200)))]
    async fn lock() -> Problem {
        Problem::not_found("There is no lock.")
    }
    #[utoipa::path(get, path = "/boxes/{id}", responses((status = 200)))]
    async fn bin(Path(bin): Path<String>, owner: Owner) -> Result<String, Problem> {
        let said = format!("{bin} {} {:?}", owner.is_visitor(), owner.visitor());
        owner.owns(&bin).then_some(said).ok_or_else(|| Problem::not_found("There is no such bin."))
    }
    #[utoipa::path(get, path = "/walls/{id}", responses((status = 200)))]
    async fn wall(owner: Owner) -> String {
        owner.as_str().to_owned()
    }

    fn house() -> Api {
        Api::new("house")
            .routes(Allow::Public, routes!(bell))
            .routes(Allow::Roles(&["keeper", "king"]), routes!(tune))
            .routes(Allow::Authenticated, routes!(rooms))
            .routes(Allow::Owner(&["keeper"]), routes!(door))
            .routes(Allow::Owner(&[]), routes!(key))
            .routes(Allow::Owner(&[]), routes!(lock))
            .routes(Allow::Authenticated, routes!(wall))
            .routes(Allow::Visitor, routes!(bin))
    }

    async fn status(app: &Router, how: &str, who: Option<(&str, &str)>) -> u16 {
        let (method, path) = how.split_once(' ').expect("a method and a path");
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, roles)) = who {
            request = request.header("x-bongsu-principal", name).header("x-bongsu-roles", roles);
        }
        let request = request.body(Body::empty()).expect("a request");
        app.clone().oneshot(request).await.expect("an answer").status().as_u16()
    }

    #[tokio::test]
    async fn each_route_lets_in_whom_it_allows() {
        let app = house().serve(());
        let people = [None, Some(("ann", "")), Some(("ben", "guest")), Some(("kim", "guest,keeper"))];
        for (how, expected) in [
            ("GET /bell", [200, 200, 200, 200]),
            ("PUT /bell", [401, 403, 403, 200]),
            ("POST /bell", [405, 405, 405, 405]),
            ("GET /rooms", [401, 200, 200, 200]),
            ("HEAD /rooms", [401, 200, 200, 200]),
            ("GET /doors/front", [401, 200, 404, 200]),
            ("GET /locks/front", [401, 404, 404, 404]),
        ] {
            for (who, expected) in people.iter().zip(expected) {
                assert_eq!(status(&app, how, *who).await, expected, "{how} as {who:?}");
            }
        }
    }

    #[tokio::test]
    async fn an_answer_for_which_nobody_asked_whose_it_is_is_not_sent() {
        let app = house().serve(());
        let failed = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
        assert_eq!(status(&app, "GET /keys/front", Some(("ann", ""))).await, failed);
        assert_eq!(status(&app, "GET /walls/front", Some(("ann", ""))).await, failed, "nor where none is to be asked");
    }

    #[tokio::test]
    async fn a_visitor_is_let_in_where_visitors_are_and_nowhere_else() {
        let app = house().serve(());
        let ask = async |path: &str, name: &str, visitor: &str| {
            let request =
                Request::builder().uri(path).header("x-bongsu-principal", name).header("x-bongsu-visitor", visitor);
            let answer = app.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
            let status = answer.status().as_u16();
            let body = axum::body::to_bytes(answer.into_body(), 1_000).await.expect("a body");
            (status, String::from_utf8(body.into()).expect("text"))
        };
        for (path, expected) in
            [("/bell", 200), ("/rooms", 401), ("/doors/front", 401), ("/locks/x", 401), ("/boxes/ann", 404)]
        {
            assert_eq!(ask(path, "vis_1", "vis_1").await.0, expected, "{path}");
        }
        assert_eq!(ask("/boxes/vis_1", "vis_1", "vis_1").await, (200, "vis_1 true None".to_owned()));
        assert_eq!(ask("/boxes/vis_2", "vis_1", "vis_1").await.0, 404, "nobody sees another's");
        assert_eq!(ask("/boxes/ann", "ann", "vis_1").await, (200, "ann false Some(\"vis_1\")".to_owned()));
        assert_eq!(ask("/boxes/vis_1", "ann", "vis_1").await.0, 404, "also what was his before is not his by itself");
        assert_eq!(ask("/rooms", "ann", "vis_1").await.0, 200, "who is logged in is no visitor");
    }

    #[test]
    fn the_description_says_the_same() {
        let described = house().description();
        let said = |path: &str, method: &str| described["paths"][path][method]["security"].clone();
        assert_eq!(said("/bell", "get"), Value::Null);
        assert_eq!(said("/bell", "put"), json!([{ "principal": ["keeper"] }, { "principal": ["king"] }]));
        assert_eq!(said("/rooms", "get"), json!([{ "principal": [] }]));
        assert_eq!(said("/doors/{id}", "get"), json!([{ "principal": ["owner"] }, { "principal": ["keeper"] }]));
        assert_eq!(said("/boxes/{id}", "get"), json!([{ "principal": ["owner"] }, { "principal": ["visitor"] }]));
        let may = |path: &str, method: &str, status: &str| {
            described["paths"][path][method]["responses"].get(status).is_some()
        };
        assert!(may("/bell", "put", "403") && !may("/doors/{id}", "get", "403") && !may("/bell", "get", "401"));
    }
}

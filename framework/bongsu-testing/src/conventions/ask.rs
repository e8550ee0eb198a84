//! Requests to a router in this process, and the routes of its description.

use std::collections::BTreeSet;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Request},
};
use serde_json::Value;
use tower::ServiceExt as _;

/// What every error is.
const PROBLEM_JSON: &str = "application/problem+json";
/// What the one who asks is besides.
pub(super) const ROLES: &str = "x-bongsu-roles";
/// What a description names beside roles: whose the thing is.
const OWNER: &str = "owner";
/// Longest answer read.
const MOST: usize = 4 << 20;

/// Who asks, and how often so far.
pub(super) struct Asked {
    app: Router,
    principal: String,
    /// Every role that the description names.
    roles: String,
    pub(super) count: usize,
}

/// An answer, read to the end; the body is null when it is no JSON.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// One operation of the description.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) path: String,
    method: &'static str,
    /// Every method of the path.
    pub(super) siblings: Vec<&'static str>,
    operation: Value,
    address: Option<String>,
}

/// A request in the making.
#[derive(Clone)]
pub(super) struct Draft {
    method: String,
    address: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Asked {
    pub(super) fn new(app: Router, principal: &str) -> Self {
        Self { app, principal: principal.to_owned(), roles: String::new(), count: 0 }
    }

    pub(super) async fn description(&mut self) -> Value {
        let draft = Draft {
            method: "GET".into(),
            address: "/openapi.json".into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        let answer = self.send(draft).await;
        assert!(answer.status == 200 && answer.body["openapi"] == "3.1.0", "/openapi.json: {answer:?}");
        let roles: BTreeSet<String> = Route::all(&answer.body).iter().flat_map(Route::allowed).collect();
        self.roles = roles.into_iter().filter(|role| role != OWNER).collect::<Vec<_>>().join(",");
        answer.body
    }

    pub(super) async fn send(&mut self, draft: Draft) -> Response {
        self.count += 1;
        let mut request = Request::new(Body::from(draft.body));
        *request.method_mut() = draft.method.parse().expect("a method");
        *request.uri_mut() = draft.address.parse().expect("an address");
        *request.headers_mut() = draft.headers;
        if !request.headers().contains_key("x-bongsu-principal") {
            let principal = HeaderValue::try_from(&self.principal).expect("a name");
            request.headers_mut().insert("x-bongsu-principal", principal);
        }
        if !request.headers().contains_key(ROLES) {
            request.headers_mut().insert(ROLES, HeaderValue::try_from(&self.roles).expect("names"));
        }
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {}).into_parts();
        let bytes = to_bytes(body, MOST).await.expect("a body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Response { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends what a route must refuse so; the refusal must be in its description.
    pub(super) async fn refused(
        &mut self,
        route: &Route,
        what: &str,
        draft: Draft,
        status: u16,
        code: &str,
    ) -> Response {
        let answer = self.send(draft).await;
        answer.is_problem(&format!("{route:?}, {what}"), status, code);
        let described = &route.operation["responses"][status.to_string()];
        assert!(described.is_object(), "{route:?} is not described to answer {status}");
        answer
    }

    /// What there is at a route's address, and its tag.
    pub(super) async fn tag_of(&mut self, route: &Route) -> (Response, String) {
        assert!(route.address.is_some(), "name something that is at {}", route.path);
        let answer = self.send(route.request()).await;
        assert_eq!(answer.status, 200, "{route:?}: {answer:?}");
        let tag = answer.headers.get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        assert!(tag.starts_with('"') && tag.len() > 2, "{route:?} has no strong tag: {answer:?}");
        (answer, tag)
    }
}

impl Response {
    #[track_caller]
    pub(super) fn is_problem(&self, what: &str, status: u16, code: &str) {
        assert_eq!(self.status, status, "{what}: {self:?}");
        assert_eq!(self.headers.get("content-type").and_then(|it| it.to_str().ok()), Some(PROBLEM_JSON), "{what}");
        assert_eq!(self.body["type"], format!("/errors/{code}"), "{what}: {self:?}");
        assert_eq!(self.body["status"], status, "{what}: {self:?}");
        assert!(self.body["traceId"].is_string(), "{what} cannot be traced: {self:?}");
    }
}

impl Route {
    /// Every operation of a description.
    pub(super) fn all(api: &Value) -> Vec<Self> {
        let mut routes = Vec::new();
        for (path, item) in api["paths"].as_object().into_iter().flatten() {
            let has = |method: &&str| item.get(method.to_ascii_lowercase()).is_some();
            let siblings: Vec<&'static str> =
                ["GET", "PUT", "POST", "DELETE", "PATCH"].into_iter().filter(has).collect();
            for method in siblings.clone() {
                let operation = item[method.to_ascii_lowercase()].clone();
                routes.push(Self { path: path.clone(), method, siblings: siblings.clone(), operation, address: None });
            }
        }
        routes
    }

    /// With the address of something there.
    pub(super) fn at(&self, things: &[(&str, &str)]) -> Self {
        let named = things.iter().find(|(path, _)| *path == self.path).map(|(_, address)| (*address).to_owned());
        let address = named.or_else(|| (!self.path.contains('{')).then(|| self.path.clone()));
        Self { address, ..self.clone() }
    }

    pub(super) fn takes(&self, parameter: &str) -> bool {
        self.parameters().any(|known| known["name"] == parameter)
    }

    pub(super) fn is_secured(&self) -> bool {
        self.operation["security"].as_array().is_some_and(|all| !all.is_empty())
    }

    /// Whether it is for some roles alone.
    pub(super) fn is_for_roles(&self) -> bool {
        let allowed = self.allowed();
        !allowed.is_empty() && !allowed.iter().any(|who| who == OWNER)
    }

    /// Roles, and `owner` where things belong to somebody.
    fn allowed(&self) -> Vec<String> {
        let all = self.operation["security"].as_array().into_iter().flatten();
        let named = all.flat_map(|one| one["principal"].as_array().into_iter().flatten());
        named.filter_map(|who| who.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn body_schema(&self) -> Option<&Value> {
        self.operation.pointer("/requestBody/content/application~1json/schema")
    }

    /// A request with everything that is required of it, but no body.
    pub(super) fn request(&self) -> Draft {
        let filled = || {
            let pieces = self.path.split('/').map(|piece| if piece.starts_with('{') { "x" } else { piece });
            pieces.collect::<Vec<_>>().join("/")
        };
        let address = self.address.clone().unwrap_or_else(filled);
        let method = self.method.to_owned();
        let headers = HeaderMap::new();
        let body = Vec::new();
        let draft = Draft { method, address, headers, body };
        self.parameters().filter(|known| known["required"] == true).fold(draft, |draft, parameter| {
            let name = parameter["name"].as_str().unwrap_or_default();
            match parameter["in"].as_str() {
                Some("query") => draft.query(&format!("{name}=x")),
                Some("header") => draft.header(&name.to_ascii_lowercase(), "\"1\""),
                _ => draft,
            }
        })
    }

    fn parameters(&self) -> impl Iterator<Item = &Value> {
        self.operation["parameters"].as_array().into_iter().flatten()
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Draft {
    pub(super) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(super) fn query(mut self, query: &str) -> Self {
        let separator = if self.address.contains('?') { '&' } else { '?' };
        self.address = format!("{}{separator}{query}", self.address);
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("a header's name");
        self.headers.insert(name, HeaderValue::try_from(value).expect("a header's value"));
        self
    }

    /// Another line of a header.
    pub(super) fn also(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.append(name, HeaderValue::from_static(value));
        self
    }

    /// At another address.
    pub(super) fn at(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    /// With a body of bytes that call themselves JSON.
    pub(super) fn bytes(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.header("content-type", "application/json")
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// With a body of a type, or of none.
    pub(super) fn body(mut self, kind: &str, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        if kind.is_empty() { self } else { self.header("content-type", kind) }
    }
}

//! The frame: one page, read when it is asked for, with the policy that fits what is in it.

use std::path::{Path, PathBuf};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bongsu_host::{pages, problem::Problem};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use sha2::{Digest as _, Sha256};

use crate::hints::{HINTS, Hint, links};

/// The file.
const FRAME: &str = "index.html";
/// Between these is the only script that is not a file: where the shared modules are.
const IMPORTS: (&str, &str) = (r#"<script type="importmap">"#, "</script>");
/// Where hints stand in it.
const HERE: &str = "<!-- hints -->";
/// What is shown where nobody built the pages: Node.js was not there.
const NOT_BUILT: &str = include_str!("not_built.html");
/// A page that changes with every build, or when pages are built at last.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Every address that nobody else has.
pub fn routes(folder: &Path) -> Router {
    Router::new().fallback(frame).with_state(folder.to_owned())
}

/// The frame for whoever looks at a page; 404 for programs, and for whoever wants something done where nothing is.
async fn frame(State(folder): State<PathBuf>, method: Method, uri: Uri, asked: HeaderMap) -> Result<Response, Problem> {
    let is_page = matches!(method, Method::GET | Method::HEAD) && wants_html(&asked);
    if !is_page {
        return Err(Problem::not_found("There is nothing at this address."));
    }
    let built = pages::read(&folder, FRAME).await?.filter(|_| !folder.as_os_str().is_empty());
    let Some(bytes) = built else {
        // Not 503: the gateway would take this for a service that is ill, and show a page of nobody.
        return Ok((heading(&policy("")), NOT_BUILT).into_response());
    };
    let html = String::from_utf8_lossy(&bytes).replace(HERE, &links(&hints(&folder).await, uri.path()));
    Ok((heading(&policy(&html)), html).into_response())
}

/// What is known of everybody's pages; nothing, where it cannot be read: hints are no more than that.
async fn hints(folder: &Path) -> Vec<Hint> {
    let read = pages::read(folder, HINTS).await.ok().flatten();
    let known = read.map(|bytes| serde_json::from_slice(&bytes));
    known
        .transpose()
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "{HINTS} says nothing that can be read");
            None
        })
        .unwrap_or_default()
}

/// What a page may do (CSP level 3): nothing but what came from here. No inline script but the import map, named by its digest;
/// no inline style; no address that holds its own content; no frame around it, no plug-in, no form to elsewhere.
///
/// ```
/// let policy = shell::frame::policy(r#"<script type="importmap">{}</script>"#);
/// assert!(policy.contains("script-src 'self' 'sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o='"));
/// assert!(!policy.contains("unsafe") && !policy.contains("data:"));
/// ```
pub fn policy(html: &str) -> String {
    let imports =
        html.split_once(IMPORTS.0).and_then(|(_, rest)| rest.split_once(IMPORTS.1)).map(|(imports, _)| imports);
    let digest = imports.map(|imports| format!(" 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(imports))));
    let scripts = digest.unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self'; img-src 'self'; font-src 'self'; \
         connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

fn heading(policy: &str) -> HeaderMap {
    let text = HeaderValue::from_static("text/html; charset=utf-8");
    let policy = HeaderValue::try_from(policy).expect("a policy is ASCII");
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, text),
        (header::CACHE_CONTROL, ASK_AGAIN),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ])
}

fn wants_html(asked: &HeaderMap) -> bool {
    let lines = asked.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;
    use tower::ServiceExt as _;

    use super::*;

    const BUILT: &str = r#"<script type="importmap">{"imports":{}}</script><div id="mall"></div>"#;

    async fn ask(folder: &Path, how: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
        let (method, path) = how.split_once(' ').unwrap();
        let request = http::Request::builder().method(method).uri(path).header("accept", accept);
        let answer = routes(folder).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 10_000).await.unwrap();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    fn built() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FRAME), BUILT).unwrap();
        folder
    }

    #[tokio::test]
    async fn every_page_is_the_frame_under_the_policy() {
        let folder = built();
        for path in ["/", "/goods/TV", "/nowhere?x=%00", "/a/b/c"] {
            let (status, headers, body) = ask(folder.path(), &format!("GET {path}"), "text/html,*/*;q=0.8").await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, BUILT), "{path}");
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("script-src 'self' 'sha256-") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(headers["cache-control"], "no-cache");
        }
    }

    #[tokio::test]
    async fn the_frame_says_what_the_page_in_it_needs_and_comes_without_hints_too() {
        let folder = built();
        std::fs::write(folder.path().join(FRAME), format!("{BUILT}{HERE}")).unwrap();
        for (hints, said) in [
            (r#"[{"path": "/a", "entry": "/web/a/main.js"}]"#, r#"<link rel="modulepreload" href="/web/a/main.js" />"#),
            ("[{]", ""),
        ] {
            std::fs::write(folder.path().join(HINTS), hints).unwrap();
            let (status, _, body) = ask(folder.path(), "GET /a?x=1", "text/html").await;
            assert_eq!((status, body), (StatusCode::OK, format!("{BUILT}{said}")));
        }
    }

    #[tokio::test]
    async fn programs_are_told_that_nothing_is_there() {
        let folder = built();
        for (how, accept) in [("GET /nowhere", "application/json"), ("GET /", "*/*"), ("POST /", "text/html")] {
            let (status, headers, _) = ask(folder.path(), how, accept).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{how} {accept}");
            assert_eq!(headers["content-type"], "application/problem+json");
        }
    }

    #[tokio::test]
    async fn without_a_build_there_is_one_page_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        for folder in [folder.path(), Path::new("")] {
            let (status, headers, body) = ask(folder, "GET /", "text/html").await;
            assert_eq!(status, StatusCode::OK);
            assert!(body.contains("Node.js") && !body.contains("<script") && !body.contains("style="), "{body}");
            assert!(!headers["content-security-policy"].to_str().unwrap().contains("sha256"));
        }
    }
}

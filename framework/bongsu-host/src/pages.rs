//! A context's own pages: built files, served from a folder below `/web/CONTEXT/`.
//!
//! A file's name has a digest of what is in it, so that it is kept for ever where it was fetched; only `manifest.json`, which
//! names the files of the newest build, is asked for every time. What a service is asked for is one file of one folder: a name
//! with a slash, or that begins with a dot, names none. Where a folder is not there (nobody built it) nothing is found.

use std::path::{Path, PathBuf};

use axum::{
    Router,
    extract::{self, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::{config::Config, problem::Problem};

/// What a build came to, and what the pages say of themselves.
pub const MANIFEST: &str = "manifest.json";
/// Largest file served; the largest of a page's is a tenth of that.
const LARGEST: u64 = 4 << 20;
/// Longest name of a file: file systems have no longer ones.
const LONGEST_NAME: usize = 255;
/// Named by what is in it: a year is as long as RFC 9111 knows.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NEVER: HeaderValue = HeaderValue::from_static("no-store");
/// Not to be taken for something else than its type says, nor read by other sites.
const GUARDS: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
/// What may be asked for, by the end of its name.
const TYPES: [(&str, &str); 7] = [
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
    ("json", "application/json"),
];
/// How a file may lie beside itself in fewer bytes: the coding and the end of its name, the best first.
const CODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// The pages of `context` in `folder`.
///
/// ```
/// use axum::body::Body;
/// use bongsu_host::pages;
/// use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let folder = tempfile::tempdir().unwrap();
/// std::fs::write(folder.path().join("main-a1.js"), "export {}").unwrap();
/// let app = pages::routes("door", folder.path());
/// let asked = |path: &str| http::Request::get(path).body(Body::empty()).unwrap();
/// let found = app.clone().oneshot(asked("/web/door/main-a1.js")).await.unwrap();
/// assert_eq!(found.headers()["content-type"], "text/javascript; charset=utf-8");
/// assert_eq!(app.oneshot(asked("/web/door/..%2Fmain-a1.js")).await.unwrap().status(), 404);
/// # }
/// ```
pub fn routes(context: &str, folder: &Path) -> Router {
    let file = get(file).with_state(folder.to_owned());
    Router::new().route(&format!("/web/{context}/{{file}}"), file)
}

/// The pages of a process: those of the folder in its configuration, none where it names none.
pub fn of(config: &Config) -> Router {
    if config.pages.is_empty() { Router::new() } else { routes(&config.name, Path::new(&config.pages)) }
}

async fn file(
    State(folder): State<PathBuf>,
    extract::Path(name): extract::Path<String>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let Some(kind) = kind_of(&name) else { return Err(none()) };
    let cache = if name == MANIFEST { NEVER } else { FOR_EVER };
    let mut answer = HeaderMap::from_iter(GUARDS);
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.insert(header::CACHE_CONTROL, cache);
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let accepted = CODINGS.iter().filter(|(coding, _)| accepts(&asked, coding));
    for (coding, end) in accepted {
        if let Some(bytes) = read(&folder, &format!("{name}.{end}")).await? {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
            return Ok((answer, bytes).into_response());
        }
    }
    let bytes = read(&folder, &name).await?.ok_or_else(none)?;
    Ok((answer, bytes).into_response())
}

/// A file of that folder, if it is one.
///
/// # Errors
/// 500, logged with why, when it is there and cannot be read, or is larger than any file of a page.
pub async fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, Problem> {
    let path = folder.join(name);
    let failed = |why: String| {
        tracing::error!(file = %path.display(), reason = %why, "a page's file cannot be served");
        Problem::internal()
    };
    let size = match tokio::fs::metadata(&path).await {
        Ok(file) if file.is_file() => file.len(),
        Ok(_) => return Ok(None),
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    if size > LARGEST {
        return Err(failed(format!("{size} bytes, at most {LARGEST}")));
    }
    match tokio::fs::read(&path).await {
        Ok(bytes) => Ok(Some(bytes)),
        // A build has just taken it away.
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Its media type; `None` for what is no file of a page.
fn kind_of(name: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_name = name.len() <= LONGEST_NAME && !name.starts_with('.') && name.bytes().all(is_plain);
    let (_, end) = name.rsplit_once('.').filter(|_| is_name)?;
    // What else is JSON there is the builder's own.
    let (_, kind) = TYPES.iter().find(|(known, _)| *known == end && (end != "json" || name == MANIFEST))?;
    Some(kind)
}

/// Whether `Accept-Encoding` (RFC 9110 §12.5.3) names it and does not refuse it.
fn accepts(asked: &HeaderMap, coding: &str) -> bool {
    let lines = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(coding) && weight.is_some_and(|weight| weight > 0.0)
    })
}

fn none() -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND).detail("There is no such file of a page.")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    fn built() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files = [("main-a1.js", "plain"), ("main-a1.js.br", "smallest"), ("main-a1.js.gz", "small")];
        let more = [(MANIFEST, "{}"), ("builds.json", "[]"), (".hidden.js", "x"), ("notes.txt", "x")];
        for (name, text) in files.iter().chain(&more) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::create_dir(folder.path().join("folder.js")).unwrap();
        folder
    }

    async fn ask(folder: &Path, path: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
        let request = http::Request::get(path).header("accept-encoding", accept).body(Body::empty()).unwrap();
        let (head, body) = routes("door", folder).oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, 1_000).await.unwrap();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_file_comes_in_the_fewest_bytes_its_reader_takes() {
        let folder = built();
        let cases = [("", "plain"), ("gzip, br", "smallest"), ("gzip;q=0.5", "small"), ("br;q=0, GZIP", "small")];
        for (accept, wanted) in cases.into_iter().chain([("br;q=x", "plain"), ("*", "plain")]) {
            let (status, headers, body) = ask(folder.path(), "/web/door/main-a1.js", accept).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, wanted), "{accept}");
            assert_eq!(headers.contains_key("content-encoding"), wanted != "plain");
            assert_eq!(headers["vary"], "accept-encoding");
            assert_eq!(headers["x-content-type-options"], "nosniff");
        }
    }

    #[tokio::test]
    async fn what_has_its_content_in_its_name_is_kept_and_the_manifest_never() {
        let folder = built();
        let (_, file, _) = ask(folder.path(), "/web/door/main-a1.js", "").await;
        let (_, manifest, _) = ask(folder.path(), "/web/door/manifest.json", "").await;
        assert!(file["cache-control"].to_str().unwrap().ends_with("immutable"));
        assert_eq!(manifest["cache-control"], "no-store");
    }

    #[tokio::test]
    async fn nothing_else_of_the_folder_or_above_it_is_found() {
        let folder = built();
        let long = format!("{}.js", "a".repeat(300));
        let names = ["builds.json", ".hidden.js", "notes.txt", "folder.js", "none.js", "main-a1.js.br", "js", &long];
        let tricks =
            ["..%2Fmain.js", "..%2f..%2fetc%2fpasswd", "%2e%2e", "main-a1.js%00.js", "%ed%95%9c.js", "a%5cb.js"];
        for name in names.into_iter().chain(tricks) {
            let (status, _, body) = ask(folder.path(), &format!("/web/door/{name}"), "br").await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{name}: {body}");
        }
        let (status, ..) = ask(&folder.path().join("nobody-built-it"), "/web/door/main-a1.js", "").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, ..) = ask(&folder.path().join("main-a1.js"), "/web/door/main-a1.js", "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "the folder is a file");
    }

    #[tokio::test]
    async fn a_file_larger_than_any_is_not_read() {
        let folder = built();
        let file = std::fs::File::create(folder.path().join("huge-a1.js")).unwrap();
        file.set_len(LARGEST + 1).unwrap();
        let (status, ..) = ask(folder.path(), "/web/door/huge-a1.js", "").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

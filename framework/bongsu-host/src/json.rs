//! Bodies: bounded, typed, and with nothing in them that nobody reads.

use axum::extract::{FromRequest, Request};
use bongsu_core::Strict;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};

use crate::{config::Limits, problem::Problem};

mod walk;

/// A JSON body. An empty body counts as `{}`, so that a command without fields needs none.
///
/// Refused: another content type (415), too large (413), too deep, not JSON (400), a field the type does not
/// have or that is given twice, a wrong type (an array is no object, and `{"name": null}` is no name), U+0000 (422, with a
/// JSON pointer).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (value, _) = read(request).await?;
        Ok(Self(value))
    }
}

/// Takes the body of a request: the value and the bytes.
pub(crate) async fn read<T: DeserializeOwned>(request: Request) -> Result<(T, Bytes), Problem> {
    let limits = request.extensions().get::<Limits>().cloned().unwrap_or_default();
    let (parts, body) = request.into_parts();
    let bytes = match Limited::new(body, limits.body_bytes).collect().await {
        Ok(body) => body.to_bytes(),
        Err(why) if why.is::<LengthLimitError>() => return Err(too_large(&limits)),
        Err(_) => return Err(Problem::bad_request("The body broke off.")),
    };
    if bytes.is_empty() {
        return Ok((parse(b"{}", limits.json_depth)?, bytes));
    }
    if !is_json(&parts.headers) {
        return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    Ok((parse(&bytes, limits.json_depth)?, bytes))
}

/// Reads one JSON object as strictly as [`Json`] does.
///
/// # Errors
/// 400 when it is too deep or not JSON, 422 with a JSON pointer when it does not fit the type.
///
/// ```
/// use bongsu_host::json::parse;
/// #[derive(Debug, serde::Deserialize)]
/// struct Open { door: String }
/// assert_eq!(parse::<Open>(br#"{"door":"front"}"#, 32).unwrap().door, "front");
/// let refused = parse::<Open>(br#"{"door":"front","speed":3}"#, 32).unwrap_err();
/// assert_eq!(refused.status(), 422);
/// ```
pub fn parse<T: DeserializeOwned>(bytes: &[u8], max_depth: usize) -> Result<T, Problem> {
    let seen = look(bytes);
    if seen.depth > max_depth {
        let detail = format!("At most {max_depth} levels of nesting are read.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too-deep", "The body is nested too deeply").detail(detail));
    }
    if let Some((pointer, what)) = walk::first_fault(bytes).map_err(|wrong| malformed(&wrong))? {
        return Err(Problem::invalid(pointer, what));
    }
    // A command is an object, whatever the type could be read from.
    if !seen.object {
        return Err(Problem::invalid("", "an object is expected"));
    }
    let mut ignored = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let reader = serde_path_to_error::Deserializer::new(Strict(&mut json), &mut track);
    let read: Result<T, _> = serde_ignored::deserialize(reader, |path| ignored.push(pointer_of_ignored(&path)));
    let value =
        read.and_then(|value| json.end().map(|()| value)).map_err(|wrong| refused(&track.path(), &wrong, bytes))?;
    let unknown = |problem: Problem, found: String| problem.error(place(&found, bytes), "unknown field");
    match ignored.is_empty() {
        true => Ok(value),
        false => Err(ignored.into_iter().fold(Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY), unknown)),
    }
}

/// What can be seen without parsing.
struct Look {
    depth: usize,
    object: bool,
}

/// Counts nesting before anything recurses. Text that is not JSON may be counted wrong; the parser refuses it.
fn look(bytes: &[u8]) -> Look {
    let mut depth = 0_usize;
    let mut deepest = 0;
    let mut in_string = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (in_string, byte) {
            (true, b'\\') => at += 1,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    Look { depth: deepest, object: bytes.trim_ascii_start().first() == Some(&b'{') }
}

fn refused(path: &serde_path_to_error::Path, wrong: &serde_json::Error, bytes: &[u8]) -> Problem {
    let text = wrong.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    match wrong.classify() {
        Category::Data => Problem::invalid(pointer(path, bytes), without_type_names(message)),
        Category::Syntax | Category::Eof | Category::Io => malformed(wrong),
    }
}

fn malformed(wrong: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON").detail(wrong.to_string())
}

/// serde names our Rust types (`expected struct PlaceBid`, `expected u32`); the outside has no use for them.
fn without_type_names(message: &str) -> String {
    let message = message.replace("unknown variant", "unknown value").replace("floating point `", "number `");
    let Some((before, after)) = message.split_once("expected ") else { return message };
    let kind = after.split_once(' ').map_or(after, |(kind, _)| kind);
    let words = match kind {
        "struct" | "tuple" | "unit" | "newtype" | "internally" | "adjacently" | "map" => "an object",
        "enum" => "a name",
        "u8" | "u16" | "u32" | "u64" | "usize" => return format!("{before}expected a whole number{}", range(kind)),
        "i8" | "i16" | "i32" | "i64" | "isize" => return format!("{before}expected a whole number{}", range(kind)),
        "f32" | "f64" => "a number",
        "a" if after.starts_with("a sequence") => "a list",
        "a" if after.starts_with("a map") => "an object",
        _ => return message,
    };
    format!("{before}expected {words}")
}

/// What fits a Rust integer, in words.
fn range(kind: &str) -> &'static str {
    match kind {
        "u8" => " from 0 to 255",
        "u16" => " from 0 to 65535",
        "u32" => " from 0 to 4294967295",
        "u64" | "usize" => ", 0 or more",
        _ => "",
    }
}

/// A variant is a step of its own where it is written as an object, and none where it is a name.
fn pointer(path: &serde_path_to_error::Path, bytes: &[u8]) -> String {
    use serde_path_to_error::Segment;
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    path.iter().fold(String::new(), |at, segment| match segment {
        Segment::Seq { index } => format!("{at}/{index}"),
        Segment::Map { key } => format!("{at}/{}", escape(key)),
        Segment::Enum { variant } => {
            let below = format!("{at}/{}", escape(variant));
            if body.pointer(&below).is_some() { below } else { at }
        }
        Segment::Unknown => at,
    })
}

/// The place of something nobody reads. The names of variants are missing in `found`: where a step leads nowhere, the one
/// name there is leads on.
fn place(found: &str, bytes: &[u8]) -> String {
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    found.split('/').skip(1).fold(String::new(), |at, step| {
        let members = body.pointer(&at).and_then(Value::as_object);
        match members.and_then(|members| members.keys().next().filter(|_| members.len() == 1)) {
            Some(only) if body.pointer(&format!("{at}/{step}")).is_none() => format!("{at}/{}/{step}", escape(only)),
            _ => format!("{at}/{step}"),
        }
    })
}

fn pointer_of_ignored(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}/{index}", pointer_of_ignored(parent)),
        Path::Map { parent, key } => format!("{}/{}", pointer_of_ignored(parent), escape(key)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            pointer_of_ignored(parent)
        }
    }
}

/// RFC 6901 §3.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next().and_then(|kind| kind.to_str().ok()), kinds.next()) else { return false };
    let mut parts = kind.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    is_json && parts.all(is_no_other_charset) && !is_encoded(headers)
}

/// JSON is UTF-8; a parameter that says otherwise is not to be overheard.
fn is_no_other_charset(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return parameter.is_empty() };
    !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
}

/// Compressed, or whatever else stands between these bytes and JSON.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

pub(crate) fn too_large(limits: &Limits) -> Problem {
    Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).detail(format!("At most {} bytes are read.", limits.body_bytes))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Ask {
        question: String,
        #[serde(default)]
        answers: Vec<Choice>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Choice {
        points: u32,
    }

    #[track_caller]
    fn errors(body: &str) -> Value {
        let problem = parse::<Ask>(body.as_bytes(), 4).expect_err("refused");
        let body: Value = serde_json::from_slice(&problem.body()).unwrap();
        body["errors"].clone()
    }

    #[track_caller]
    fn code(body: &[u8]) -> String {
        parse::<Ask>(body, 4).expect_err("refused").code().to_owned()
    }

    #[test]
    fn a_body_is_json_if_it_says_so_once_and_nothing_else() {
        let kind = |kinds: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in kinds {
                headers.append(*name, http::HeaderValue::from_static(value));
            }
            is_json(&headers)
        };
        for good in [
            "application/json",
            "APPLICATION/JSON",
            "application/json;",
            "application/json; charset=utf-8",
            "application/json;Charset=\"UTF-8\"",
            "application/merge-patch+json; profile=a",
        ] {
            assert!(kind(&[("content-type", good)]), "{good}");
            assert!(kind(&[("content-type", good), ("content-encoding", "identity")]), "{good}");
            assert!(!kind(&[("content-type", good), ("content-encoding", "gzip")]), "{good}");
            assert!(!kind(&[("content-type", good), ("content-type", good)]), "{good}");
        }
        for bad in [
            "",
            "json",
            "text/json",
            "application/json garbage",
            "application/json; charset=iso-8859-1",
            "application/jsonp",
        ] {
            assert!(!kind(&[("content-type", bad)]), "{bad}");
        }
        assert!(!kind(&[]));
    }

    #[test]
    fn unknown_fields_are_named_by_pointer_at_every_depth() {
        let found = errors(r#"{"question":"a","why/not":1,"answers":[{"points":1},{"points":2,"x":0}]}"#);
        let unknown = |pointer| json!({"pointer": pointer, "detail": "unknown field"});
        assert_eq!(found, json!([unknown("/why~1not"), unknown("/answers/1/x")]));
    }

    #[test]
    fn wrong_types_missing_fields_and_numbers_out_of_range_have_a_pointer() {
        assert_eq!(errors(r#"{"question":1}"#)[0]["pointer"], "/question");
        assert_eq!(errors(r#"{}"#)[0]["detail"], "missing field `question`");
        for points in ["-1", "4294967296", "1.5", "\"1\"", "null"] {
            let found = errors(&format!(r#"{{"question":"a","answers":[{{"points":{points}}}]}}"#));
            assert_eq!(found[0]["pointer"], "/answers/0/points", "{points}");
        }
        assert_eq!(
            errors(r#"{"question":"a","answers":[7]}"#)[0]["detail"],
            "invalid type: integer `7`, expected an object"
        );
        assert_eq!(errors(r#"["a"]"#)[0]["pointer"], "");
        let points =
            |points| errors(&format!(r#"{{"question":"a","answers":[{{"points":{points}}}]}}"#))[0]["detail"].clone();
        assert_eq!(points("-1"), "invalid value: integer `-1`, expected a whole number from 0 to 4294967295");
        assert_eq!(points("1.5"), "invalid type: number `1.5`, expected a whole number from 0 to 4294967295");
        assert_eq!(
            errors(r#"{"question":"a","answers":7}"#)[0]["detail"],
            "invalid type: integer `7`, expected a list"
        );
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Way {
        Foot,
        Bus(u8),
        Train { seat: u8 },
        Two(u8, u8),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Trip {
        way: Way,
        #[serde(default)]
        back: Option<Box<Trip>>,
        #[serde(default)]
        stops: Vec<Trip>,
        #[serde(default)]
        named: std::collections::BTreeMap<String, Choice>,
    }

    #[test]
    fn an_array_is_no_object_and_an_object_with_null_is_no_name_at_any_depth() {
        let trip = |body: &str| parse::<Trip>(body.as_bytes(), 9);
        for good in [
            r#"{"way":"foot","back":null}"#,
            r#"{"way":{"bus":7}}"#,
            r#"{"way":{"train":{"seat":1}},"back":{"way":"foot","stops":[{"way":{"two":[1,2]}}]}}"#,
            r#"{"way":"foot","named":{"a":{"points":1},"b":{"points":2}}}"#,
        ] {
            assert!(trip(good).is_ok(), "{good}: {:?}", trip(good));
        }
        for (bad, pointer) in [
            (r#"{"way":{"foot":null}}"#, "/way/foot"),
            (r#"{"way":{"foot":{}}}"#, "/way/foot"),
            (r#"{"way":{}}"#, "/way"),
            (r#"{"way":["foot"]}"#, "/way"),
            (r#"{"way":null}"#, "/way"),
            (r#"{"way":7}"#, "/way"),
            (r#"{"way":{"bus":"7"}}"#, "/way/bus"),
            (r#"{"way":"bus"}"#, "/way"),
            (r#"{"way":"train"}"#, "/way"),
            (r#"{"way":{"train":[1]}}"#, "/way/train"),
            (r#"{"way":{"train":{"seat":1,"class":2}}}"#, "/way/train/class"),
            (r#"{"way":{"train":{"seat":null}}}"#, "/way/train/seat"),
            (r#"{"way":{"bus":7,"foot":null}}"#, "/way/bus"),
            (r#"{"way":"foot","back":["foot"]}"#, "/back"),
            (r#"{"way":"foot","back":{"way":"foot","stops":[["foot"]]}}"#, "/back/stops/0"),
            (r#"{"way":"foot","named":{"a":[1]}}"#, "/named/a"),
            (r#"{"way":"foot","named":[["a",{"points":1}]]}"#, "/named"),
            (r#"{"way":"foot","named":{"a":{"points":"1"}}}"#, "/named/a/points"),
            (r#"{"way":"foot","named":{"a":{"points":1e400}}}"#, ""),
        ] {
            let problem = trip(bad).expect_err(bad);
            let body: Value = serde_json::from_slice(&problem.body()).unwrap();
            if pointer.is_empty() {
                assert_eq!(problem.code(), "malformed-json", "{bad}");
            } else {
                assert_eq!(
                    (problem.code(), &body["errors"][0]["pointer"]),
                    ("invalid-body", &json!(pointer)),
                    "{bad}: {body}"
                );
            }
        }
    }

    #[test]
    fn a_name_given_twice_is_refused_with_its_pointer() {
        assert_eq!(
            errors(r#"{"question":"a","question":"a"}"#),
            json!([{"pointer":"/question","detail":"given twice"}])
        );
        assert_eq!(
            errors(r#"{"question":"a","answers":[{"points":1},{"points":1,"points":2}]}"#)[0]["pointer"],
            "/answers/1/points"
        );
        let escaped = errors(r#"{"question":"a","\u0071uestion":"b"}"#);
        assert_eq!(escaped[0]["pointer"], "/question", "however it is spelled");
    }

    #[test]
    fn nul_is_refused_with_its_pointer() {
        assert_eq!(errors(r#"{"question":"a\u0000b"}"#)[0]["pointer"], "/question");
        assert_eq!(parse::<Ask>(br#"{"question":"a\\u0000b"}"#, 4).unwrap().question, "a\\u0000b");
    }

    #[test]
    fn what_is_not_json_is_malformed_and_depth_is_counted_outside_strings() {
        for bad in ["", "{", "nonsense", "{\"question\":\"a\"} x", "{'question':1}", "\u{feff}{}", "\u{0}"] {
            assert_eq!(code(bad.as_bytes()), "malformed-json", "{bad:?}");
        }
        assert_eq!(code(b"{\"question\":\"\xff\"}"), "malformed-json");
        assert_eq!(code("[".repeat(100_000).as_bytes()), "too-deep");
        assert!(parse::<Ask>(br#"{"question":"[[[[[[[[\"{{{{{"}"#, 4).is_ok());
    }
}

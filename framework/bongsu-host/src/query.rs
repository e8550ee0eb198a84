//! Query parameters, refused as every other bad request.

use axum::extract::FromRequestParts;
use http::{Uri, request::Parts};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The parameters a handler reads of a query; 400 for one that is missing, double or of the wrong kind. Others are
/// left to other readers ([`List`](crate::list::List), [`After`](crate::after::After)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let axum::extract::Query(read) = axum::extract::Query::try_from_uri(&parts.uri).map_err(|wrong| {
            Problem::bad_request(format!("The query cannot be meant: {}.", why(&wrong.body_text())))
        })?;
        Ok(Self(read))
    }
}

/// The one reading of a query: names and values as they are meant, however they are written (`%6cimit` is `limit`, `+` is
/// a space), in their order.
///
/// # Errors
/// 400 for what cannot be read.
pub(crate) fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    let read = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    read.map(|pairs| pairs.0).map_err(|_| Problem::bad_request("The query cannot be read."))
}

/// The one value of a parameter.
///
/// # Errors
/// 400 when it is given twice, or the query cannot be read.
pub(crate) fn once(uri: &Uri, name: &str) -> Result<Option<String>, Problem> {
    let mut values = pairs(uri)?.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Problem::bad_request(format!("`{name}` is given twice."))),
        (value, None) => Ok(value),
    }
}

/// A pair as it is written in an address.
pub(crate) fn written(name: &str, value: &str) -> String {
    format!("{}={}", escaped(name), escaped(value))
}

fn escaped(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:@/".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What is wrong, without the extractor's own preface.
fn why(text: &str) -> &str {
    text.rsplit_once("query string: ").map_or(text, |(_, why)| why)
}

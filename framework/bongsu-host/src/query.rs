//! Query parameters, refused as every other bad request.

use axum::extract::FromRequestParts;
use http::request::Parts;
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

/// What is wrong, without the extractor's own preface.
fn why(text: &str) -> &str {
    text.rsplit_once("query string: ").map_or(text, |(_, why)| why)
}

//! Where the protocol and the pages are.

use axum::{
    Router,
    routing::{get, post},
};

use crate::{
    desk::Desk,
    oidc::{authorize, discovery, introspect, logout, revoke, token, userinfo},
    pages::{layout, login, password, sign_up},
};

/// Everything below `/identity` that is not for operators.
pub(crate) fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/identity/.well-known/openid-configuration", get(discovery::configuration))
        .route("/identity/jwks", get(discovery::jwks))
        .route("/identity/authorize", get(authorize::by_address).post(authorize::by_form))
        .route("/identity/token", post(token::token))
        .route("/identity/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .route("/identity/revoke", post(revoke::revoke))
        .route("/identity/introspect", post(introspect::introspect))
        .route("/identity/logout", get(logout::by_address).post(logout::by_form))
        .route("/identity/login", get(login::show).post(login::take))
        .route("/identity/sign-up", get(sign_up::show).post(sign_up::take))
        .route("/identity/password", get(password::show).post(password::take))
        .route("/identity/style.css", get(layout::style))
        .with_state(desk)
}

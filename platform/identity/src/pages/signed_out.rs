//! The pages of logging out: the question, and that it is done.

use axum::response::Response;
use bongsu_runtime::CommandError;
use http::{HeaderMap, StatusCode};
use maud::html;

use super::{cookies, guard::Ticket, layout::page, words::of};
use crate::{desk::Desk, oidc::form::Params};

/// The form's name.
pub(crate) const FORM: &str = "logout";

/// Asks whether to log out; what the client wanted is carried along.
pub(crate) async fn ask(desk: &Desk, headers: &HeaderMap, wish: &Params) -> Result<Response, CommandError> {
    let words = of(headers, wish.get("ui_locales"));
    let ticket = Ticket::of(desk, headers, FORM).await?;
    let carried = ["client_id", "post_logout_redirect_uri", "state"];
    let carried = carried.into_iter().filter_map(|name| Some((name, wish.get(name)?)));
    let body = html! {
        p { (words.ask_log_out) }
        form method="post" action=(desk.settings.at("logout")) {
            (ticket.field())
            @for (name, value) in carried { input type="hidden" name=(name) value=(value); }
            button type="submit" { (words.log_out) }
        }
    };
    let mut response = page(desk, words, words.log_out, StatusCode::OK, &body);
    cookies::keep_form(desk, &mut response, &ticket.cookie);
    Ok(response)
}

/// Says that it is done.
pub(crate) fn done(desk: &Desk, headers: &HeaderMap) -> Response {
    let words = of(headers, None);
    page(desk, words, words.log_out, StatusCode::OK, &html! { p role="status" { (words.logged_out) } })
}

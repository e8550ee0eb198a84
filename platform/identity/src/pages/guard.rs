//! A form counts only from the page it was shown on: it carries a proof bound to a cookie of that browser.

use bongsu_runtime::CommandError;
use http::HeaderMap;
use maud::{Markup, html};

use super::cookies;
use crate::{
    crypto::{proof, same},
    desk::Desk,
    oidc::form::Params,
};

/// The field of the proof.
const FIELD: &str = "form";

/// What a page's form carries.
pub(crate) struct Ticket {
    /// What its browser is given or has.
    pub(crate) cookie: String,
    proof: String,
}

impl Ticket {
    /// For a form of this name, shown to this browser.
    pub(crate) async fn of(desk: &Desk, headers: &HeaderMap, form: &str) -> Result<Self, CommandError> {
        let cookie = cookies::form(desk, headers).unwrap_or_else(|| desk.secret());
        let proof = proof(desk.private.pepper().await?, &["form", form, &cookie]);
        Ok(Self { cookie, proof })
    }

    /// Its hidden field.
    pub(crate) fn field(&self) -> Markup {
        html! { input type="hidden" name=(FIELD) value=(self.proof); }
    }
}

/// Whether a form of this name came from a page that this browser was shown.
pub(crate) async fn is_ours(
    desk: &Desk,
    headers: &HeaderMap,
    form: &str,
    params: &Params,
) -> Result<bool, CommandError> {
    // What a browser says about itself, where it does.
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Ok(false);
    }
    let Some(cookie) = cookies::form(desk, headers) else { return Ok(false) };
    let expected = proof(desk.private.pepper().await?, &["form", form, &cookie]);
    Ok(params.get(FIELD).is_some_and(|given| same(given, &expected)))
}

/// Where an attempt comes from, as the gateway says it: the last one it added itself.
pub(crate) fn place(headers: &HeaderMap) -> Option<&str> {
    let said = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    said.rsplit(',').next().map(str::trim).filter(|place| !place.is_empty())
}

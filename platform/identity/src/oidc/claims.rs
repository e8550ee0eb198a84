//! What tokens say. No name, no address: a person is an opaque id, and what else there is to know is asked at userinfo.

use std::collections::BTreeSet;

use bongsu_runtime::CommandError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    crypto::half_digest,
    desk::Desk,
    keys::Typ,
    person::{PersonState, Role},
    private::tables::{Consent, Document, Family, Revoked},
    settings::{Client, clients::SigningAlg},
};

/// An access token (RFC 9068).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) jti: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) roles: BTreeSet<Role>,
    /// In which session it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<String>,
    /// For which code it was given: what is revoked with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gid: Option<String>,
}

/// An ID token (OpenID Connect Core §2).
#[derive(Clone, Debug, Serialize)]
struct Id<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    sid: &'a str,
}

/// An access token of a person's.
pub(crate) async fn access_of_person(
    desk: &Desk,
    consent: &Consent,
    scope: &str,
    state: &PersonState,
    gid: &str,
) -> Result<String, CommandError> {
    let base = base(desk, &consent.person, &consent.client, scope);
    let sid = Some(consent.sid.clone());
    let claims = Access { roles: state.roles.clone(), sid, gid: Some(gid.to_owned()), ..base };
    desk.keys.sign(SigningAlg::ES256, Typ::Access, &claims).await
}

/// An access token of a client's own.
pub(crate) async fn access_of_client(desk: &Desk, client: &Client, scope: &str) -> Result<String, CommandError> {
    let claims = Access { roles: client.roles.clone(), ..base(desk, &client.id, &client.id, scope) };
    desk.keys.sign(SigningAlg::ES256, Typ::Access, &claims).await
}

/// An access token of a person's for nobody's session: for demonstrations.
pub(crate) async fn access_to_show(desk: &Desk, person: &str, state: &PersonState) -> Result<String, CommandError> {
    let claims = Access { roles: state.roles.clone(), ..base(desk, person, "demonstration", "openid") };
    desk.keys.sign(SigningAlg::ES256, Typ::Access, &claims).await
}

fn base(desk: &Desk, sub: &str, client: &str, scope: &str) -> Access {
    let iat = desk.now_ms() / 1_000;
    Access {
        iss: desk.settings.issuer.clone(),
        sub: sub.to_owned(),
        aud: desk.settings.audience.clone(),
        exp: iat + desk.settings.access_token_s,
        iat,
        jti: desk.secret(),
        client_id: client.to_owned(),
        scope: scope.to_owned(),
        roles: BTreeSet::new(),
        sid: None,
        gid: None,
    }
}

/// An ID token, signed as the client asks.
pub(crate) async fn id_token(
    desk: &Desk,
    client: &Client,
    consent: &Consent,
    nonce: Option<&str>,
    access: &str,
) -> Result<String, CommandError> {
    let iat = desk.now_ms() / 1_000;
    let claims = Id {
        iss: &desk.settings.issuer,
        sub: &consent.person,
        aud: &client.id,
        exp: iat + desk.settings.access_token_s,
        iat,
        auth_time: consent.auth_ms / 1_000,
        nonce,
        at_hash: half_digest(access),
        sid: &consent.sid,
    };
    desk.keys.sign(client.id_token_signed_response_alg, Typ::Id, &claims).await
}

/// The claims of an access token that counts now: ours, alive, not revoked, and its person may come in.
pub(crate) async fn believed(desk: &Desk, token: &str) -> Result<Option<Access>, CommandError> {
    let Some(access) = ours(desk, token).await? else { return Ok(None) };
    let revoked = desk.private.get::<Revoked>(&access.jti).await?.is_some();
    if revoked || !is_given(desk, &access).await? {
        return Ok(None);
    }
    let is_a_persons = access.sub != access.client_id;
    let may = !is_a_persons || desk.person(&access.sub).await?.may_come_in();
    Ok(may.then_some(access))
}

/// The claims of an access token of ours that has not run out.
pub(crate) async fn ours(desk: &Desk, token: &str) -> Result<Option<Access>, CommandError> {
    let Some(claims) = desk.keys.read(Typ::Access, token).await? else { return Ok(None) };
    let access = serde_json::from_value::<Access>(Value::Object(claims)).ok();
    let settings = &desk.settings;
    let counts = |access: &Access| {
        let is_ours = access.iss == settings.issuer && access.aud == settings.audience;
        is_ours && access.exp * 1_000 > desk.now_ms()
    };
    Ok(access.filter(counts))
}

/// What it was given for still stands.
async fn is_given(desk: &Desk, access: &Access) -> Result<bool, CommandError> {
    let Some(gid) = &access.gid else { return Ok(true) };
    Ok(desk.private.get::<Family>(gid).await?.is_some_and(|family| !family.revoked))
}

/// The claims of an ID token of ours, also one that has run out: a hint of who logs out.
pub(crate) async fn hinted(desk: &Desk, token: &str) -> Result<Option<Map<String, Value>>, CommandError> {
    let claims = desk.keys.read(Typ::Id, token).await?;
    Ok(claims.filter(|claims| claims.get("iss").and_then(Value::as_str) == Some(desk.settings.issuer.as_str())))
}

/// Takes back what was given for a code.
pub(crate) async fn revoke_family(desk: &Desk, gid: &str) -> Result<(), CommandError> {
    let revoked = desk.private.transact(vec![Family::key(gid)], |script| match Family::get(script, gid) {
        Some(family) if !family.revoked => {
            Family { revoked: true, ..family }.put(script, gid);
            Ok(())
        }
        _ => Err(()),
    });
    revoked.await.map(|_| ())
}

//! A code becomes tokens, once. One that comes again takes back what it gave.

use serde_json::Value;

use crate::{
    crypto::{digest, same},
    desk::Desk,
    oidc::{
        claims::revoke_family,
        form::Params,
        grants::{given::Given, refresh::written},
        refusal::Refusal,
    },
    private::tables::{Code, Document as _, Family},
    settings::{Client, clients::Grant},
};

/// Why a code is not exchanged.
enum NotExchanged {
    /// It is not known, not this client's, run out, or its verifier is another.
    No(&'static str),
    /// It was exchanged before, for this.
    Again(String),
}

pub(crate) async fn exchange(desk: &Desk, client: &Client, params: &Params) -> Result<Value, Refusal> {
    let needed = |name| {
        params
            .get(name)
            .ok_or_else(|| Refusal::new("invalid_request", "code, redirect_uri and code_verifier are needed"))
    };
    let id = digest(needed("code")?);
    let redirect_uri = needed("redirect_uri")?;
    let verifier = needed("code_verifier")?;
    if !is_a_verifier(verifier) {
        return Err(Refusal::new("invalid_request", "the code_verifier has 43 to 128 of A-Z, a-z, 0-9, - . _ ~"));
    }
    let gid = desk.id("gnt");
    let refresh = client.grants.contains(&Grant::RefreshToken).then(|| desk.secret());
    let now_ms = desk.now_ms();
    let expires_ms = now_ms + desk.settings.refresh_token_s * 1_000;
    let exchanged = desk.private.transact(vec![Code::key(&id), Family::key(&gid)], |script| {
        let code = Code::get(script, &id).ok_or(NotExchanged::No("the code is unknown"))?;
        check(&code, client, redirect_uri, verifier, now_ms)?;
        let family = Family {
            consent: code.consent.clone(),
            current: refresh.as_deref().map(digest),
            previous: None,
            rotated_ms: now_ms,
            expires_ms,
            revoked: false,
        };
        family.put(script, &gid);
        Code { used: Some(gid.clone()), ..code.clone() }.put(script, &id);
        Ok(code)
    });
    let code = match exchanged.await? {
        Ok(code) => code,
        Err(NotExchanged::No(why)) => return Err(Refusal::grant(why)),
        Err(NotExchanged::Again(given)) => {
            revoke_family(desk, &given).await?;
            return Err(Refusal::grant("the code was used before"));
        }
    };
    let given = Given {
        client,
        consent: &code.consent,
        scope: &code.consent.scope,
        nonce: code.nonce.as_deref(),
        gid: &gid,
        refresh_token: refresh.map(|secret| written(&gid, &secret)),
    };
    given.answer(desk).await
}

/// A code of another client is not touched: its own may still come.
fn check(code: &Code, client: &Client, redirect_uri: &str, verifier: &str, now_ms: i64) -> Result<(), NotExchanged> {
    if code.consent.client != client.id {
        return Err(NotExchanged::No("the code is another client's"));
    }
    if let Some(given) = &code.used {
        return Err(NotExchanged::Again(given.clone()));
    }
    if code.expires_ms <= now_ms {
        return Err(NotExchanged::No("the code has run out"));
    }
    if code.redirect_uri != redirect_uri {
        return Err(NotExchanged::No("the code was sent to another redirect_uri"));
    }
    if !same(&digest(verifier), &code.challenge) {
        return Err(NotExchanged::No("the code_verifier is another"));
    }
    Ok(())
}

/// RFC 7636 §4.1.
fn is_a_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._~".contains(&it))
}

//! What a client is given for a person: the same for a code and for a refresh token.

use serde_json::{Value, json};

use crate::{
    desk::Desk,
    oidc::{
        claims::{access_of_person, id_token, revoke_family},
        refusal::Refusal,
    },
    private::tables::Consent,
    settings::Client,
};

/// What a client is given.
pub(super) struct Given<'a> {
    pub(super) client: &'a Client,
    pub(super) consent: &'a Consent,
    pub(super) scope: &'a str,
    pub(super) nonce: Option<&'a str>,
    /// The family it belongs to.
    pub(super) gid: &'a str,
    /// As the client will have it.
    pub(super) refresh_token: Option<String>,
}

impl Given<'_> {
    /// The answer, unless the person may not come in any more.
    pub(super) async fn answer(self, desk: &Desk) -> Result<Value, Refusal> {
        let Self { client, consent, scope, nonce, gid, refresh_token } = self;
        let state = desk.person(&consent.person).await?;
        if !state.may_come_in() {
            revoke_family(desk, gid).await?;
            return Err(Refusal::grant("the person may not come in"));
        }
        let access = access_of_person(desk, consent, scope, &state, gid).await?;
        let expires_in = desk.settings.access_token_s;
        let mut answer =
            json!({ "access_token": access, "token_type": "Bearer", "expires_in": expires_in, "scope": scope });
        if scope.split(' ').any(|scope| scope == "openid") {
            answer["id_token"] = id_token(desk, client, consent, nonce, &access).await?.into();
        }
        if let Some(refresh_token) = refresh_token {
            answer["refresh_token"] = refresh_token.into();
        }
        Ok(answer)
    }
}

//! A refresh token becomes the next one. One that comes again, later than an answer can be lost, takes back all that came of it.
//!
//! The successor is a proof over the token under the store's own secret: whoever sends the same token at the same time gets
//! the same successor, and none of them is kept.

use serde_json::Value;

use crate::{
    crypto::{digest, proof, same},
    desk::Desk,
    oidc::{form::Params, grants::given::Given, refusal::Refusal},
    private::tables::{Document as _, Family},
    settings::Client,
};

/// What a token is to its family.
#[derive(Clone, Debug, PartialEq)]
enum Turn {
    /// It counts: the family after it.
    Next(Family),
    /// It was just used; its successor counts.
    Lost,
    /// It was used before.
    Reused(Family),
    /// Nothing of this family counts.
    Dead,
}

pub(crate) async fn refresh(desk: &Desk, client: &Client, params: &Params) -> Result<Value, Refusal> {
    let token =
        params.get("refresh_token").ok_or_else(|| Refusal::new("invalid_request", "there is no refresh_token"))?;
    let unknown = || Refusal::grant("the refresh token is unknown, was used before or has run out");
    let (gid, secret) = read(token).ok_or_else(unknown)?;
    let known = desk.private.get::<Family>(gid).await?.filter(|family| family.consent.client == client.id);
    let Some(known) = known else { return Err(unknown()) };
    let scope = narrowed(&known.consent.scope, params.get("scope"));
    let scope = scope.ok_or_else(|| Refusal::new("invalid_scope", "more is asked for than was granted"))?;
    let successor = proof(desk.private.pepper().await?, &["refresh", gid, secret]);
    let (presented, next) = (digest(secret), digest(&successor));
    let now_ms = desk.now_ms();
    let grace_ms = desk.settings.refresh_grace_s * 1_000;
    let turned = desk.private.transact(vec![Family::key(gid)], |script| {
        let family = Family::get(script, gid).ok_or(false)?;
        match turn(family, &presented, &next, now_ms, grace_ms) {
            Turn::Next(family) => {
                family.put(script, gid);
                Ok(true)
            }
            Turn::Reused(family) => {
                family.put(script, gid);
                Ok(false)
            }
            Turn::Lost => Err(true),
            Turn::Dead => Err(false),
        }
    });
    let (Ok(counts) | Err(counts)) = turned.await?;
    if !counts {
        return Err(unknown());
    }
    let refresh_token = Some(written(gid, &successor));
    Given { client, consent: &known.consent, scope: &scope, nonce: None, gid, refresh_token }.answer(desk).await
}

fn turn(family: Family, presented: &str, next: &str, now_ms: i64, grace_ms: i64) -> Turn {
    if family.revoked || family.expires_ms <= now_ms || family.current.is_none() {
        return Turn::Dead;
    }
    let is = |kept: &Option<String>, digest: &str| kept.as_ref().is_some_and(|kept| same(kept, digest));
    if is(&family.current, presented) {
        let previous = family.current;
        return Turn::Next(Family { previous, current: Some(next.to_owned()), rotated_ms: now_ms, ..family });
    }
    let is_the_last_one = is(&family.previous, presented) && is(&family.current, next);
    if is_the_last_one && now_ms - family.rotated_ms <= grace_ms {
        return Turn::Lost;
    }
    Turn::Reused(Family { revoked: true, ..family })
}

/// A refresh token as the client has it.
pub(crate) fn written(gid: &str, secret: &str) -> String {
    format!("{gid}.{secret}")
}

/// Its family and its secret.
pub(crate) fn read(token: &str) -> Option<(&str, &str)> {
    let (gid, secret) = token.split_once('.')?;
    let is_an_id = gid.starts_with("gnt_") && gid.len() <= 64;
    (is_an_id && secret.len() == 43).then_some((gid, secret))
}

/// What is asked for of what was granted.
fn narrowed(granted: &str, asked: Option<&str>) -> Option<String> {
    let Some(asked) = asked else { return Some(granted.to_owned()) };
    let mut scopes = asked.split(' ').filter(|scope| !scope.is_empty());
    scopes.all(|scope| granted.split(' ').any(|known| known == scope)).then(|| asked.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::tables::Consent;

    fn family() -> Family {
        let consent = Consent {
            person: "usr_1".into(),
            client: "web".into(),
            sid: "ses_1".into(),
            scope: "openid".into(),
            auth_ms: 0,
        };
        let (current, previous) = (Some("b".to_owned()), Some("a".to_owned()));
        Family { consent, current, previous, rotated_ms: 0, expires_ms: 100_000, revoked: false }
    }

    #[test]
    fn a_token_turns_once_and_its_answer_may_be_lost_for_a_moment() {
        let Turn::Next(next) = turn(family(), "b", "c", 5, 10_000) else { panic!("it counts") };
        assert_eq!((next.current.as_deref(), next.previous.as_deref(), next.rotated_ms), (Some("c"), Some("b"), 5));
        assert_eq!(turn(family(), "a", "b", 10_000, 10_000), Turn::Lost);
    }

    #[test]
    fn a_token_that_comes_again_later_takes_everything_back() {
        let revoked = Turn::Reused(Family { revoked: true, ..family() });
        assert_eq!(turn(family(), "a", "b", 10_001, 10_000), revoked);
        assert_eq!(turn(family(), "older", "a", 1, 10_000), revoked);
        assert_eq!(turn(Family { revoked: true, ..family() }, "b", "c", 1, 10_000), Turn::Dead);
        assert_eq!(turn(family(), "b", "c", 100_000, 10_000), Turn::Dead);
    }
}

//! Keys that sign tokens: made when [`schedule`] says so, kept as documents, used through libraries.

pub(crate) mod schedule;
mod pkcs8;

use std::collections::HashSet;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use bongsu_runtime::{CommandError, Handle};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use serde::Serialize;
use serde_json::{Map, Value};

use self::{pkcs8::rsa_key, schedule::Schedule};
use crate::{
    crypto::{decoded, encoded, secret},
    private::{
        Private,
        tables::{Document as _, Ring, SigningKey},
    },
    settings::clients::SigningAlg,
};

/// The algorithms there are keys of.
const ALL: [SigningAlg; 2] = [SigningAlg::ES256, SigningAlg::RS256];

/// The keys of a running service.
#[derive(Clone)]
pub(crate) struct Keys {
    handle: Handle,
    private: Private,
    schedule: Schedule,
}

/// What a token is for, as its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typ {
    /// RFC 9068.
    Access,
    Id,
}

impl Typ {
    fn name(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Id => "JWT",
        }
    }
}

impl Keys {
    pub(crate) fn new(handle: Handle, private: Private, schedule: Schedule) -> Self {
        Self { handle, private, schedule }
    }

    /// Signs claims.
    pub(crate) async fn sign(
        &self,
        alg: SigningAlg,
        typ: Typ,
        claims: &(impl Serialize + Sync),
    ) -> Result<String, CommandError> {
        let ring = self.ring(alg).await?;
        let key = self.schedule.signing(&ring, self.now_ms()).ok_or_else(|| broken("there is no key"))?;
        let mut header = Header::new(algorithm(alg));
        header.typ = Some(typ.name().to_owned());
        header.kid = Some(key.kid.clone());
        encode(&header, claims, &encoding(key)?).map_err(broken)
    }

    /// The claims of a token of ours, whether or not it still lives.
    pub(crate) async fn read(&self, typ: Typ, token: &str) -> Result<Option<Map<String, Value>>, CommandError> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        let Some(alg) = ALL.into_iter().find(|alg| algorithm(*alg) == header.alg) else { return Ok(None) };
        if header.typ.as_deref() != Some(typ.name()) {
            return Ok(None);
        }
        let ring = self.ring(alg).await?;
        let mut shown = self.schedule.shown(&ring, self.now_ms());
        let Some(key) = shown.find(|key| header.kid.as_deref() == Some(key.kid.as_str())) else { return Ok(None) };
        let public = DecodingKey::from_jwk(&public(key)?).map_err(broken)?;
        // Times are judged by the service's own clock, by who knows what the token is for.
        let mut only_signature = Validation::new(header.alg);
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        only_signature.required_spec_claims = HashSet::new();
        Ok(decode::<Map<String, Value>>(token, &public, &only_signature).ok().map(|token| token.claims))
    }

    /// What everybody may know of them.
    pub(crate) async fn jwks(&self) -> Result<JwkSet, CommandError> {
        let mut keys = Vec::new();
        for alg in ALL {
            let ring = self.ring(alg).await?;
            for key in self.schedule.shown(&ring, self.now_ms()) {
                keys.push(public(key)?);
            }
        }
        Ok(JwkSet { keys })
    }

    /// The keys of an algorithm, with the next one if it is time for it.
    async fn ring(&self, alg: SigningAlg) -> Result<Ring, CommandError> {
        let now_ms = self.now_ms();
        let ring = self.private.get::<Ring>(alg.name()).await?.unwrap_or_default();
        if !self.schedule.wants_next(&ring, now_ms) {
            return Ok(ring);
        }
        let private = tokio::task::spawn_blocking(move || draw(alg)).await.map_err(broken)??;
        let kid = secret(self.handle.env().as_ref())[..16].to_owned();
        let made = self.private.transact(vec![Ring::key(alg.name())], |script| {
            let ring = Ring::get(script, alg.name()).unwrap_or_default();
            if !self.schedule.wants_next(&ring, now_ms) {
                return Err(ring);
            }
            let signs_ms = self.schedule.signs_ms(&ring, now_ms);
            let next = SigningKey { kid: kid.clone(), alg, private: private.clone(), made_ms: now_ms, signs_ms };
            let keys = self.schedule.shown(&ring, now_ms).cloned().chain([next]).collect();
            let ring = Ring { keys };
            ring.put(script, alg.name());
            Ok(ring)
        });
        Ok(made.await?.unwrap_or_else(|theirs| theirs))
    }

    fn now_ms(&self) -> i64 {
        self.handle.env().wall_ms()
    }
}

/// A new private key's DER, as it is kept.
fn draw(alg: SigningAlg) -> Result<String, CommandError> {
    match alg {
        SigningAlg::ES256 => {
            let drawn = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            Ok(encoded(drawn.map_err(broken)?.as_ref()))
        }
        SigningAlg::RS256 => {
            let drawn = KeyPair::generate(KeySize::Rsa2048).map_err(broken)?;
            let der: Pkcs8V1Der<'_> = drawn.as_der().map_err(broken)?;
            Ok(encoded(rsa_key(der.as_ref()).ok_or_else(|| broken("an RSA key is not in its envelope"))?))
        }
    }
}

fn algorithm(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::ES256 => Algorithm::ES256,
        SigningAlg::RS256 => Algorithm::RS256,
    }
}

fn encoding(key: &SigningKey) -> Result<EncodingKey, CommandError> {
    let der = decoded(&key.private).ok_or_else(|| CommandError::Corrupt(format!("the signing key {}", key.kid)))?;
    Ok(match key.alg {
        SigningAlg::ES256 => EncodingKey::from_ec_der(&der),
        SigningAlg::RS256 => EncodingKey::from_rsa_der(&der),
    })
}

fn public(key: &SigningKey) -> Result<Jwk, CommandError> {
    let mut public = Jwk::from_encoding_key(&encoding(key)?, algorithm(key.alg)).map_err(broken)?;
    public.common.key_id = Some(key.kid.clone());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(public)
}

fn broken(why: impl std::fmt::Display) -> CommandError {
    CommandError::Unavailable(format!("signing: {why}"))
}

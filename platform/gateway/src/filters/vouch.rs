//! Who is asking, as the gateway says it to one service. Login replaces this filter.

use bongsu_host::TokioEnv;
use bongsu_host::principal::{PRINCIPAL, is_a_name};
use bongsu_keys::{Keys, OPERATOR, PROOF};
use bongsu_runtime::ports::env::Env as _;
use http::{HeaderValue, request};

use crate::filter::{Exchange, Filter, Flow};

/// Sets the principal, with a proof that only the service it is meant for believes, and only for a moment.
pub struct Vouch {
    principal: String,
    keys: Option<Keys>,
    env: TokioEnv,
}

impl Vouch {
    /// Everybody is `principal` but operators; nobody is anybody when it is no name that services believe.
    pub fn new(principal: &str, keys: Option<Keys>) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        Self { principal: principal.to_owned(), keys, env }
    }
}

impl Filter for Vouch {
    fn name(&self) -> &'static str {
        "vouch"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let name = if exchange.is_operator { OPERATOR } else { &self.principal };
        let Some(principal) = HeaderValue::try_from(name).ok().filter(|_| is_a_name(name)) else {
            return Flow::Continue;
        };
        request.headers.insert(PRINCIPAL, principal);
        let service = exchange.service.as_deref().unwrap_or_default();
        let key = self.keys.as_ref().and_then(|keys| keys.for_service(service));
        let proof = key.and_then(|key| HeaderValue::try_from(key.prove(name, self.env.wall_ms())).ok());
        if let Some(proof) = proof {
            request.headers.insert(PROOF, proof);
        }
        Flow::Continue
    }
}

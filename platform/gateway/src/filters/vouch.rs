//! Who is asking, as the gateway says it to one service, and to those it declares to ask.

use std::sync::Arc;

use bongsu_host::TokioEnv;
use bongsu_host::principal::{PRINCIPAL, ROLES, VISITOR, is_a_name};
use bongsu_keys::{Audience, Keys, OPERATOR, Vouched};
use bongsu_runtime::ports::env::Env as _;
use http::{HeaderMap, HeaderValue, request};
use tokio::sync::watch;

use crate::filter::{Exchange, Filter, Flow, Who};
use crate::settings::Settings;
use crate::table::Table;

/// Names whoever is asking, signed so that only the service it is meant for believes it and those it asks on his behalf, and only
/// for a moment.
pub struct Vouch {
    /// Who everybody is where nobody can log in; with a login nobody is anybody without one.
    otherwise: Option<Vouched>,
    keys: Option<Keys>,
    table: watch::Receiver<Arc<Table>>,
    env: TokioEnv,
}

impl Vouch {
    pub(crate) fn new(settings: &Settings, table: watch::Receiver<Arc<Table>>) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        let otherwise = Some(&settings.principal).filter(|name| is_a_name(name) && settings.login.is_none());
        Self { otherwise: otherwise.map(Vouched::named), keys: settings.keys.clone(), table, env }
    }

    /// As services of a system believe it; to one that runs alone, the name and his roles.
    fn say(&self, who: &Vouched, service: &str, headers: &mut HeaderMap) -> Option<()> {
        if let Some(keys) = &self.keys {
            let asks = self.table.borrow().asks.get(service).cloned();
            let audience = asks.unwrap_or_else(|| Audience::one(service));
            let token = keys.vouch(&audience, who, self.env.wall_ms())?;
            headers.insert(PRINCIPAL, HeaderValue::try_from(&*token).ok()?);
            return Some(());
        }
        headers.insert(PRINCIPAL, HeaderValue::try_from(&who.name).ok()?);
        headers.insert(ROLES, HeaderValue::try_from(who.roles.join(",")).ok()?);
        if let Some(visitor) = &who.visitor {
            headers.insert(VISITOR, HeaderValue::try_from(visitor).ok()?);
        }
        Some(())
    }
}

impl Filter for Vouch {
    fn name(&self) -> &'static str {
        "vouch"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let operator = Vouched { roles: vec![OPERATOR.into()], ..Vouched::named(OPERATOR) };
        let who = match &exchange.who {
            Who::Operator => Some(&operator),
            Who::Person(who) | Who::Visitor(who) => Some(who),
            Who::Nobody | Who::Process(_) => self.otherwise.as_ref(),
        };
        let service = exchange.service.as_deref().unwrap_or_default();
        // Whom nothing can be said of is nobody.
        let _ = who.and_then(|who| self.say(who, service, &mut request.headers));
        Flow::Continue
    }
}

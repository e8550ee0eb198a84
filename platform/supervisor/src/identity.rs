//! `[identity]`: the built-in provider of people, as a service like any other, and the gateway that believes its tokens.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::port::can_bind;
use crate::system_file::{Service, SystemFile};

/// The name of the built-in identity provider.
pub const IDENTITY: &str = "identity";
/// For whom its tokens are, where nobody says.
const AUDIENCE: &str = "bongsu";
/// Where its settings say what the system is for.
const ENVIRONMENT: &str = "environment";

/// What an author says of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Extra environment.
    pub env: BTreeMap<String, String>,
    /// Its own settings.
    pub config: toml::Table,
    /// Who is there from the beginning; only where its settings say `environment = "dev"`.
    pub people: Vec<Somebody>,
}

/// Somebody to try a system with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Somebody {
    /// What they log in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// Of at least as many characters as the provider asks for.
    pub password: String,
    /// What they may.
    pub roles: Vec<String>,
}

impl Identity {
    /// What it is to the rest of the system.
    pub(crate) fn service(&self) -> Service {
        let routes = |paths: &[&str]| paths.iter().map(|path| format!("/{IDENTITY}/{path}")).collect();
        let requests = |paths: &[&str]| paths.iter().map(|path| format!("* /{IDENTITY}/{path}")).collect();
        Service {
            name: IDENTITY.to_owned(),
            command: IDENTITY.to_owned(),
            is_own: true,
            args: vec![IDENTITY.to_owned()],
            env: self.env.clone(),
            instances: 1,
            routes: routes(&["*"]),
            public: requests(&["*"]),
            operator: requests(&["persons/*", "demonstration/*"]),
            roles: BTreeMap::new(),
            idempotent: true,
            own_login: true,
            after: Vec::new(),
            start: true,
            config: self.config.clone(),
        }
    }

    /// What is wrong with it.
    pub(crate) fn complaint(&self) -> Option<String> {
        let is_dev = self.config.get(ENVIRONMENT).and_then(toml::Value::as_str) == Some("dev");
        (!self.people.is_empty() && !is_dev).then(|| {
            "identity: people are there from the beginning only where config has environment = 'dev'".to_owned()
        })
    }
}

/// Names the issuer, which is where the gateway listens, to the provider and to the gateway, unless an author did. An
/// address once named has to stay: it is in every token.
pub(crate) fn settle(system: &mut SystemFile) {
    let Some(identity) = &system.identity else { return };
    let text = |name: &str| identity.config.get(name).cloned();
    let audience = text("audience").unwrap_or_else(|| AUDIENCE.into());
    let issuer = match text("issuer") {
        Some(issuer) => issuer,
        None => {
            let listen = free(system.gateway_address());
            system.gateway.listen = Some(listen);
            format!("http://{listen}/{IDENTITY}").into()
        }
    };
    let said = [("issuer", issuer), ("audience", audience)].map(|(name, value)| (name.to_owned(), value));
    let login = system.gateway.config.entry("login").or_insert_with(|| toml::Table::new().into());
    let login = login.as_table_mut().into_iter();
    let provider = system.services.iter_mut().filter(|service| service.is_own).map(|service| &mut service.config);
    for table in login.chain(provider) {
        for (name, value) in said.clone() {
            table.entry(name).or_insert(value);
        }
    }
}

/// That address, or one with another port when somebody has it.
fn free(wished: SocketAddr) -> SocketAddr {
    let any = SocketAddr::new(wished.ip(), 0);
    can_bind(wished).or_else(|_| can_bind(any)).unwrap_or(wished)
}

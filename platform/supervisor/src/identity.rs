//! `[identity]`: the built-in provider of people, as a service like any other, and the gateway that believes its tokens.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::port::can_bind;
use crate::system_file::{GATEWAY, Service, SystemFile};

/// The name of the built-in identity provider.
pub const IDENTITY: &str = "identity";
/// For whom its tokens are, where nobody says.
const AUDIENCE: &str = "bongsu";
/// What the gateway asks it for: who somebody is, his name, and what he may.
const SCOPES: [&str; 3] = ["openid", "profile", "roles"];
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
            visitor: Vec::new(),
            operator: requests(&["persons/*", "demonstration/*"]),
            roles: BTreeMap::new(),
            idempotent: true,
            asks: Vec::new(),
            own_login: true,
            pages: None,
            canary: None,
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

/// Names the issuer, which is where the gateway listens, to the provider and to the gateway, and the gateway to the provider,
/// so that browsers can log in; unless an author did. An address once named has to stay: it is in every token.
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
    let origin = issuer.as_str().and_then(|issuer| issuer.strip_suffix(&format!("/{IDENTITY}"))).map(str::to_owned);
    let said = [("issuer", issuer), ("audience", audience)].map(|(name, value)| (name.to_owned(), value));
    // A gateway that believes another issuer logs browsers in there, as its author says.
    let believes = system.gateway.config.get("login").and_then(|login| login.get("issuer"));
    let is_ours = believes.is_none_or(|believed| *believed == said[0].1);
    if let Some(origin) = origin.filter(|_| is_ours) {
        introduce(system, &origin);
    }
    let login = system.gateway.config.entry("login").or_insert_with(|| toml::Table::new().into());
    let login = login.as_table_mut().into_iter();
    let provider = system.services.iter_mut().filter(|service| service.is_own).map(|service| &mut service.config);
    for table in login.chain(provider) {
        for (name, value) in said.clone() {
            table.entry(name).or_insert(value);
        }
    }
}

/// Makes the gateway a client of the provider. It has no secret: a code is worth nothing without the verifier that only the
/// gateway knows.
fn introduce(system: &mut SystemFile, origin: &str) {
    let text = |text: &str| toml::Value::from(text);
    let texts = |texts: &[&str]| toml::Value::from(texts.to_vec());
    let sessions = system.gateway.config.entry("sessions").or_insert_with(|| toml::Table::new().into());
    let Some(sessions) = sessions.as_table_mut() else { return };
    let usual = [("origin", text(origin)), ("client", text(GATEWAY)), ("scopes", texts(&SCOPES))];
    for (name, value) in usual {
        sessions.entry(name).or_insert(value);
    }
    let said = |name: &str| sessions.get(name).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let (origin, client, under) = (said("origin"), said("client"), said("under"));
    let gateway = toml::Table::from_iter([
        ("id".to_owned(), text(&client)),
        ("redirect_uris".to_owned(), texts(&[&format!("{origin}{under}/login/callback")])),
        ("post_logout_redirect_uris".to_owned(), texts(&[&format!("{origin}/")])),
        ("grants".to_owned(), texts(&["authorization_code", "refresh_token"])),
        ("scopes".to_owned(), texts(&SCOPES)),
    ]);
    let provider = system.services.iter_mut().filter(|service| service.is_own).map(|service| &mut service.config);
    for config in provider {
        let clients = config.entry("clients").or_insert_with(|| toml::Value::Array(Vec::new()));
        let Some(clients) = clients.as_array_mut() else { continue };
        let is_it = |known: &toml::Value| known.get("id").and_then(toml::Value::as_str) == Some(&client);
        if !clients.iter().any(is_it) {
            clients.push(gateway.clone().into());
        }
    }
}

/// That address, or one with another port when somebody has it.
fn free(wished: SocketAddr) -> SocketAddr {
    let any = SocketAddr::new(wished.ip(), 0);
    can_bind(wished).or_else(|_| can_bind(any)).unwrap_or(wished)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(text: &str) -> SystemFile {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bongsu.toml");
        std::fs::write(&file, format!("name = 'house'\n{text}")).expect("a file");
        let mut system = SystemFile::read(&file).expect("a system");
        settle(&mut system);
        system
    }

    fn at<'t>(table: &'t toml::Table, path: &[&str]) -> Option<&'t str> {
        let (last, above) = path.split_last()?;
        let table = above.iter().try_fold(table, |table, name| table.get(*name)?.as_table())?;
        table.get(*last)?.as_str()
    }

    #[test]
    fn the_gateway_and_the_provider_know_each_other() {
        let system = settled("[gateway]\nlisten = '127.0.0.1:0'\n[identity]\n");
        let config = &system.gateway.config;
        let origin = at(config, &["sessions", "origin"]).expect("an origin");
        assert_eq!(at(config, &["login", "issuer"]), Some(&*format!("{origin}/identity")));
        assert_eq!(at(config, &["sessions", "client"]), Some("gateway"));
        let clients = system.services[0].config["clients"].as_array().expect("clients");
        let gateway = clients[0].as_table().expect("a client");
        assert_eq!((clients.len(), at(gateway, &["id"])), (1, Some("gateway")));
        assert_eq!(gateway["redirect_uris"][0].as_str(), Some(&*format!("{origin}/login/callback")));
        assert!(gateway.get("secret_file").is_none());
    }

    #[test]
    fn what_an_author_says_of_sessions_and_clients_stays() {
        let system = settled(
            "[gateway]\nconfig.sessions = { under = '/auth', idle_s = 60 }\n[identity.config]\n\
             issuer = 'https://house.example/identity'\nclients = [{ id = 'web' }]\n",
        );
        assert_eq!(at(&system.gateway.config, &["sessions", "origin"]), Some("https://house.example"));
        assert_eq!(system.gateway.config["sessions"]["idle_s"].as_integer(), Some(60));
        let clients = system.services[0].config["clients"].as_array().expect("clients");
        assert_eq!(clients[0]["id"].as_str(), Some("web"));
        assert_eq!(clients[1]["redirect_uris"][0].as_str(), Some("https://house.example/auth/login/callback"));
        let own = settled("[identity.config]\nclients = [{ id = 'gateway', scopes = ['openid'] }]\n");
        assert_eq!(
            own.services[0].config["clients"].as_array().map(Vec::len),
            Some(1),
            "not a second one of that name"
        );
        assert!(settled("").gateway.config.get("sessions").is_none(), "without a provider there are none");
        let other = settled("[gateway]\nconfig.login.issuer = 'https://id.example'\n[identity]\n");
        assert!(other.gateway.config.get("sessions").is_none(), "nor by themselves with another one");
    }
}

//! Asks services what only their operator may ask.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bongsu_keys::{OPERATOR, Roots};
use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use supervisor::client::Client;
use supervisor::http::{Http, Reply};
use supervisor::identity::IDENTITY;
use supervisor::registry::{Instance, State};
use supervisor::system_file::{BROKER, GATEWAY};

/// A broker that runs answers within this.
const ALIVE: Duration = Duration::from_secs(3);
/// A page of events takes no longer.
const LIMIT: Duration = Duration::from_secs(10);

/// The services of a running system.
pub(crate) struct Operator {
    client: Client,
    http: Http,
    roots: Option<Roots>,
    /// Who was found at which address: each is spoken to with the operator's key to it, which opens nothing else.
    found: Mutex<HashMap<String, String>>,
}

impl Operator {
    pub(crate) fn new(client: Client) -> Self {
        // Without a secret everybody refuses, and says so.
        let roots = Roots::read(client.data()).ok();
        Self { client, http: Http::new(None), roots, found: Mutex::default() }
    }

    /// The operator's key to somebody.
    pub(crate) fn bearer(&self, to: &str) -> Option<String> {
        self.roots.as_ref().map(|roots| roots.key(OPERATOR, to).bearer())
    }

    /// Every instance, remembered by its address.
    async fn instances(&self) -> Result<Vec<Instance>> {
        let rows = self.client.instances().await?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let urls = |row: &Instance| [row.url.clone(), row.own_url.clone()].into_iter().flatten().collect::<Vec<_>>();
        found.extend(rows.iter().flat_map(|row| urls(row).into_iter().map(|url| (url, row.name.clone()))));
        Ok(rows)
    }

    async fn ask(&self, method: Method, url: &str, json: String) -> Result<Reply> {
        let origin = url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end]);
        let name = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned();
        let bearer = name.and_then(|name| self.bearer(&name));
        Ok(self.http.tell_as(bearer.as_deref(), method, url, json, LIMIT).await?)
    }

    /// Where the broker is.
    pub(crate) async fn broker(&self) -> Result<String> {
        let rows = self.instances().await?;
        rows.into_iter().find(|row| row.name == BROKER).and_then(|row| row.url).context("the broker is not running")
    }

    /// What is wrong with the broker, if something is: a service that is asked for what it has to ask the broker is not to
    /// blame for it.
    pub(crate) async fn trouble_of_broker(&self) -> Option<String> {
        let rows = self.instances().await.ok()?;
        let broker = rows.into_iter().find(|row| row.name == BROKER && row.state != State::Stopped)?;
        let (Some(url), Some(pid)) = (broker.url, broker.pid) else {
            return Some(format!("the broker is {}", broker.state.word()));
        };
        let asked = self.http.ask(Method::GET, &format!("{url}/info"), ALIVE).await;
        asked.err().map(|why| format!("the broker (process {pid}) does not answer: {why}"))
    }

    /// One reachable instance per service: instances of a service share its store.
    pub(crate) async fn services(&self) -> Result<Vec<Instance>> {
        let mut rows = self.instances().await?;
        rows.retain(|row| row.url.is_some() && row.name != BROKER && row.name != GATEWAY);
        rows.dedup_by(|a, b| a.name == b.name);
        Ok(rows)
    }

    /// The names of all services, running or not, but identity.
    pub(crate) async fn names_of_services(&self) -> Result<BTreeSet<String>> {
        let parts = [BROKER, GATEWAY, IDENTITY];
        let rows = self.instances().await?.into_iter();
        Ok(rows.map(|row| row.name).filter(|name| !parts.contains(&name.as_str())).collect())
    }

    /// The address of a service: of its first instance that says where it is.
    pub(crate) async fn service(&self, name: &str) -> Result<String> {
        Ok(self.addresses(name).await?.swap_remove(0))
    }

    /// Whether it is a service of the system, running or not.
    pub(crate) async fn is_service(&self, name: &str) -> Result<bool> {
        Ok(self.instances().await?.iter().any(|row| row.name == name && name != BROKER && name != GATEWAY))
    }

    /// The addresses of a service's instances, at least one. They share its store: what one of them did is done.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<String>> {
        let rows = self.instances().await?;
        let urls: Vec<String> = rows.iter().filter(|row| row.name == name).filter_map(|row| row.url.clone()).collect();
        if !urls.is_empty() {
            return Ok(urls);
        }
        match rows.iter().find(|row| row.name == name) {
            Some(row) => bail!("{name} is {}", row.state.word()),
            None => {
                let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
                names.dedup();
                bail!("no service '{name}'; there are {}", names.join(", "))
            }
        }
    }

    /// Every gateway, by its slot, and where it alone is asked.
    pub(crate) async fn gateways(&self) -> Result<Vec<(String, String)>> {
        self.addresses(GATEWAY).await?;
        let is_there = |row: &Instance| row.name == GATEWAY && matches!(row.state, State::Ready | State::Unready);
        let rows = self.instances().await?.into_iter().filter(is_there);
        Ok(rows.filter_map(|row| Some((row.instance, row.own_url.or(row.url)?))).collect())
    }

    /// `GET`, read as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        self.find(url).await?.with_context(|| format!("there is no {url}"))
    }

    /// As [`Operator::get`]; `None` when there is no such page.
    pub(crate) async fn find<T: DeserializeOwned>(&self, url: &str) -> Result<Option<T>> {
        let answer = self.ask(Method::GET, url, String::new()).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        if answer.status != 200 {
            bail!("{url} answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        serde_json::from_slice(&answer.body).map(Some).with_context(|| format!("{url} answers something else"))
    }

    /// `POST` without a body, answered in JSON.
    pub(crate) async fn post_for<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        let answer = self.ask(Method::POST, url, String::new()).await?;
        if answer.status != 200 {
            bail!("{url} answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("{url} answers something else"))
    }

    /// `POST` without a body, read as JSON whatever the status.
    pub(crate) async fn order(&self, url: &str) -> Result<(u16, Value)> {
        let answer = self.ask(Method::POST, url, String::new()).await?;
        Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
    }

    /// Without a body, and only the status is of interest.
    pub(crate) async fn status(&self, method: Method, url: &str) -> Result<u16> {
        Ok(self.ask(method, url, String::new()).await?.status)
    }

    /// `GET`, read as JSON whatever the status.
    pub(crate) async fn look(&self, url: &str) -> Result<Said> {
        let answer = self.ask(Method::GET, url, String::new()).await?;
        Ok(Said { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap_or_default() })
    }

    /// `DELETE`, read as JSON whatever the status.
    pub(crate) async fn delete(&self, url: &str) -> Result<Said> {
        let answer = self.ask(Method::DELETE, url, String::new()).await?;
        Ok(Said { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap_or_default() })
    }

    /// `POST` with a JSON body.
    pub(crate) async fn post(&self, url: &str, body: &Value) -> Result<Said> {
        self.tell(Method::POST, url, body).await
    }

    /// With a JSON body, and read as JSON whatever the status.
    pub(crate) async fn tell(&self, method: Method, url: &str, body: &Value) -> Result<Said> {
        let answer = self.ask(method, url, body.to_string()).await?;
        Ok(Said { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap_or_default() })
    }
}

/// What a service said to an operator's wish.
pub(crate) struct Said {
    pub(crate) status: u16,
    /// Null when it was not JSON.
    pub(crate) body: Value,
}

impl Said {
    /// A refusal in one line: what is wrong, or else the kind of error.
    pub(crate) fn complaint(&self) -> String {
        let places = [&self.body["errors"][0]["detail"], &self.body["detail"], &self.body["title"]];
        let said = places.into_iter().find_map(Value::as_str);
        said.map_or_else(|| format!("the service answers {}", self.status), str::to_owned)
    }
}

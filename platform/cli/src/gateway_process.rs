//! `bongsu gateway`: the gateway as a child of the supervisor, which tells it where everything is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bongsu_host::config::Config;
use bongsu_host::server::{Bound, bind};
use bongsu_host::stop::Stop;
use gateway::{Access, Canary, Certificate, Gateway, Route, Settings, Shelf, Table, Tls};
use supervisor::client::Client;
use supervisor::data_folder::Address;
use supervisor::registry::RouteTable;
use tokio::sync::watch;

use crate::child::Child;

/// Where a certificate for development is, in the data folder.
pub(crate) const TLS: &str = "tls";
/// And where it is written down what operators hold of breakers.
const HELD: &str = "breakers-held.json";
/// After a failed question the supervisor is asked again so much later; until then the last table stands.
const AGAIN: Duration = Duration::from_millis(100);

/// Serves until asked to stop.
pub(crate) async fn run() -> Result<ExitCode> {
    let mut child = Child::start("gateway")?;
    let settings: Settings = child.loaded.service()?;
    let config = &child.loaded.config;
    let (tell, tables) = watch::channel(Arc::default());
    let settings = settings.limited_as(config).with_keys(config.open_keys()?).with_client_secret();
    let settings = settings.map_err(anyhow::Error::msg)?;
    // What nobody can log in by is not kept either.
    let shelf = match settings.sessions.is_some() {
        true => Some(Shelf::new(bongsu::open_store(&config.store)?)),
        false => None,
    };
    let data = data_folder()?;
    let secure = match &settings.tls {
        Some(tls) => Some(Secure::open(tls, &data).await?),
        None => None,
    };
    let settings = Settings { held: Some(data.join(HELD)), ..settings.with_shelf(shelf) };
    let gateway = Gateway::new(settings, tables.clone());
    let bound = bind(config.listen).await?;
    child.logs.listening(bound.addr());
    let known = async {
        let mut tables = tables;
        if tables.wait_for(|table: &Arc<Table>| table.revision > 0).await.is_ok() {
            child.logs.ready();
        }
        std::future::pending::<()>().await
    };
    let address = Address::read(&data).context("cannot read how the supervisor is reached")?;
    let supervisor = Client::at(address, &data);
    tokio::select! { biased;
        () = async {
            let plain = bound.serve(gateway.router(), config, gateway.health(), &child.stop);
            tokio::join!(plain, Secure::serve(secure, &gateway, config, &child.stop));
            gateway.closed().await;
        } => {}
        () = feed(supervisor, tell) => {}
        () = gateway.tend() => {}
        () = known => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The public side over TLS.
struct Secure {
    bound: Bound,
    certificate: Certificate,
}

impl Secure {
    /// Takes its address, with a certificate that is named, or made in the data folder.
    async fn open(tls: &Tls, data: &Path) -> Result<Self> {
        let certificate = Certificate::open(tls, &data.join(TLS)).map_err(anyhow::Error::msg)?;
        let bound = bind(tls.listen).await?;
        let authority = certificate.authority().map_or_else(String::new, |file| file.display().to_string());
        tracing::info!(addr = %bound.addr(), authority, "TLS and HTTP/2 are spoken");
        Ok(Self { bound, certificate })
    }

    /// Serves there, if it is there at all, until asked to stop.
    async fn serve(this: Option<Self>, gateway: &Gateway, config: &Config, stop: &Stop) {
        let Some(Self { bound, certificate }) = this else { return };
        let served = bound.serve_tls(certificate.config(), gateway.router(), config, gateway.health(), stop);
        tokio::select! { biased;
            () = served => {}
            () = certificate.tend() => {}
        }
    }
}

/// Of the system whose child this is.
fn data_folder() -> Result<PathBuf> {
    let file = std::env::var_os("BONGSU_SUPERVISOR").context("the gateway is started by 'bongsu up'")?;
    let data = Path::new(&file).parent().context("BONGSU_SUPERVISOR is no file of a data folder")?;
    Ok(data.to_owned())
}

/// Keeps the table up to date for ever.
async fn feed(supervisor: Client, tell: watch::Sender<Arc<Table>>) {
    let mut revision = 0;
    loop {
        match supervisor.routes(revision).await {
            Ok(table) => {
                revision = table.revision;
                tell.send_replace(Arc::new(translate(table)));
            }
            Err(error) => {
                tracing::warn!(reason = %error, "the supervisor did not tell the routes");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn access(access: supervisor::registry::Access) -> Access {
    Access { service: access.service, method: access.method, path: access.path, who: access.who }
}

fn canary((service, canary): (String, supervisor::system_file::Canary)) -> Canary {
    let line = canary.header.as_deref().and_then(|said| said.split_once(": "));
    let header = line.and_then(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    Canary { service, of: canary.of, percent: canary.percent, header }
}

/// The supervisor's words in the gateway's.
pub(crate) fn translate(table: RouteTable) -> Table {
    let addresses = |instances: Vec<String>| instances.iter().filter_map(|address| address.parse().ok()).collect();
    Table {
        revision: table.revision,
        routes: table.routes.into_iter().map(|route| Route { path: route.path, service: route.service }).collect(),
        upstreams: table.upstreams.into_iter().map(|(service, ready)| (service, addresses(ready))).collect(),
        coming: table.coming,
        access: table.access.into_iter().map(access).collect(),
        idempotent: table.idempotent,
        own_login: table.own_login,
        canaries: table.canaries.into_iter().map(canary).collect(),
    }
}

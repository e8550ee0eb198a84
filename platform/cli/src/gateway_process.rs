//! `bongsu gateway`: the gateway as a child of the supervisor, which tells it where everything is.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bongsu_host::config::{Config, Loaded};
use bongsu_host::server::{Bound, adopt, bind};
use bongsu_host::stop::Stop;
use bongsu_keys::Audience;
use gateway::{Access, Canary, Certificate, Gateway, Route, Settings, Shelf, Table, Tls};
use listenfd::ListenFd;
use supervisor::client::Client;
use supervisor::data_folder::Address;
use supervisor::registry::RouteTable;
use tokio::sync::watch;

use crate::child::Child;

/// Where a certificate for development is, in the data folder.
pub(crate) const TLS: &str = "tls";
/// And where it is written down what operators hold of breakers.
const HELD: &str = "breakers-held.json";
/// Whoever asks all the time asks again sooner: it is to hear that its connection ends before it does.
const LINGER_MS: u64 = 1_000;
/// After a failed question the supervisor is asked again so much later; until then the last table stands.
const AGAIN: Duration = Duration::from_millis(100);

/// The supervisor opens the sockets, and reads one file.
const NOT_HANDED: &str =
    "tls.listen has to stand below [gateway] in bongsu.toml: the sockets are opened before anything else is read";

/// Serves until asked to stop.
pub(crate) async fn run() -> Result<ExitCode> {
    let mut handed = Handed::take()?;
    let mut child = Child::start("gateway")?;
    let settings: Settings = child.register(Settings::LIVE)?;
    let config = &ends_well(child.loaded.config.clone());
    let (tell, tables) = watch::channel(Arc::default());
    let settings = settings.limited_as(config).with_keys(config.open_keys()?).with_client_secret();
    let settings = settings.map_err(anyhow::Error::msg)?;
    let shelf = shelf(&settings, config)?;
    let data = data_folder()?;
    let secure = secure(settings.tls.as_ref(), &mut handed, &data).await?;
    let settings = Settings { held: Some(data.join(HELD)), ..settings.with_shelf(shelf) };
    let gateway = Gateway::new(settings, tables.clone());
    let _ = gateway.health().clone().under(child.logs.revision().clone());
    let follow = child.follow(Loaded::service::<Settings>, |next, config| {
        gateway.change(next, config);
        Ok(())
    });
    let own = bind(config.listen).await?;
    let plain = handed.plain.map(adopt).transpose().context("cannot listen where all gateways do")?;
    child.listening(own.addr());
    let address = Address::read(&data).context("cannot read how the supervisor is reached")?;
    let supervisor = Client::at(address, &data);
    let router = gateway.router();
    let health = gateway.health();
    let stop = &child.stop;
    tokio::select! { biased;
        () = async {
            let public = async {
                // Until it knows where to, those who ask are for the others, or wait.
                if !is_known(tables, stop).await {
                    return;
                }
                child.logs.ready();
                let plain = async {
                    if let Some(plain) = plain {
                        plain.serve(router.clone(), config, health, stop).await;
                    }
                };
                tokio::join!(plain, Secure::serve(secure, &gateway, config, stop));
            };
            tokio::join!(own.serve(router.clone(), config, health, stop), public);
            gateway.closed().await;
        } => {}
        () = feed(supervisor, tell) => {}
        () = gateway.tend() => {}
        () = follow => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Where TLS is spoken, if it is.
async fn secure(tls: Option<&Tls>, handed: &mut Handed, data: &Path) -> Result<Option<Secure>> {
    match tls {
        Some(_) if handed.plain.is_some() && handed.tls.is_none() => bail!(NOT_HANDED),
        Some(tls) => Ok(Some(Secure::open(tls, handed.tls.take(), data).await?)),
        None => Ok(None),
    }
}

/// What nobody can log in by is not kept either.
fn shelf(settings: &Settings, config: &Config) -> Result<Option<Shelf>> {
    match settings.sessions.is_some() {
        true => Ok(Some(Shelf::new(bongsu::open_store(&config.store)?))),
        false => Ok(None),
    }
}

/// Whoever asked is answered, as long as whoever ends it waits: longest where another one has taken over.
fn ends_well(mut config: Config) -> Config {
    config.shutdown.drain_ms = config.shutdown.drain_ms.max(config.limits.request_timeout_ms);
    config.shutdown.linger_ms = config.shutdown.linger_ms.max(LINGER_MS);
    config
}

/// Whether there are routes before it is asked to stop.
async fn is_known(mut tables: watch::Receiver<Arc<Table>>, stop: &Stop) -> bool {
    tokio::select! { biased;
        _ = stop.asked() => false,
        known = tables.wait_for(|table| table.revision > 0) => known.is_ok(),
    }
}

/// The public sockets, which whoever started this process holds open for all gateways (sd_listen_fds(3)).
#[derive(Default)]
struct Handed {
    plain: Option<TcpListener>,
    tls: Option<TcpListener>,
}

impl Handed {
    /// Takes them out of the environment, before anything else is open.
    fn take() -> Result<Self> {
        let names = std::env::var_os("LISTEN_FDNAMES").unwrap_or_default();
        let mut all = ListenFd::from_env();
        let mut this = Self::default();
        for (at, name) in names.to_string_lossy().split(':').enumerate().take(all.len()) {
            let socket = all.take_tcp_listener(at).with_context(|| format!("{name} of LISTEN_FDS is no socket"))?;
            match name {
                "plain" => this.plain = socket,
                "tls" => this.tls = socket,
                other => bail!("LISTEN_FDNAMES names {other:?}, and there are plain and tls"),
            }
        }
        Ok(this)
    }
}

/// The public side over TLS.
struct Secure {
    bound: Bound,
    certificate: Certificate,
}

impl Secure {
    /// Takes its address, with a certificate that is named, or made in the data folder.
    async fn open(tls: &Tls, handed: Option<TcpListener>, data: &Path) -> Result<Self> {
        let certificate = Certificate::open(tls, &data.join(TLS)).map_err(anyhow::Error::msg)?;
        let bound = match handed {
            Some(socket) => adopt(socket).context("cannot speak TLS where all gateways do")?,
            None => bind(tls.listen).await?,
        };
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

fn audience((service, asks): (String, Vec<String>)) -> (String, Audience) {
    let audience = Audience::of(&service, &asks);
    (service, audience)
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
        asks: table.asks.into_iter().map(audience).collect(),
        own_login: table.own_login,
        canaries: table.canaries.into_iter().map(canary).collect(),
        gateways: table.gateways,
    }
}

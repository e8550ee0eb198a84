//! What one instance is: the description of a system, unrolled into slots.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::paths::shown;
use crate::system_file::{BROKER, GATEWAY, PlatformPart, Service, SystemFile};

/// Everything needed to start one instance.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) slot: String,
    /// Whether its address is the service's.
    pub(crate) is_first: bool,
    pub(crate) command: Command,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// The address to try first; a free port otherwise.
    pub(crate) listen: Option<SocketAddr>,
    /// Names whose instances must be ready before the first start.
    pub(crate) after: Vec<String>,
    /// Names whose address it is told when it starts: should one move, it is started again.
    pub(crate) told: Vec<String>,
    pub(crate) start: bool,
    /// Stopped from the highest to the lowest.
    pub(crate) depth: usize,
    pub(crate) config: toml::Table,
    /// Where an author wrote them.
    pub(crate) config_from: String,
}

/// Which program.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// The running binary itself, with a subcommand.
    Own,
    /// A name or a path, looked up at each start.
    Named(String),
}

/// All slots of a system, in starting order: broker, services as they depend on each other, gateway.
pub(crate) fn unroll(system: &SystemFile) -> Vec<Spec> {
    let mut services: Vec<&Service> = system.services.iter().collect();
    services.sort_by_key(|service| system.depth(&service.name));
    let last = services.last().map_or(0, |service| system.depth(&service.name));
    let from = |name: &str| format!("{} (config of {name})", shown(&system.path));
    let mut specs = vec![platform(BROKER, &system.broker, 0)];
    for service in services {
        let depth = system.depth(&service.name) + 1;
        let pages = service.pages.as_ref().map(|folder| system.folder.join(folder));
        specs.extend((1..=service.instances).map(|number| instance(service, pages.as_deref(), number, depth)));
    }
    // Each has an address of its own, beside the public ones.
    let gateway = PlatformPart { listen: None, ..system.gateway.clone() };
    specs.extend((1..=gateway.instances).map(|number| Spec {
        slot: format!("{GATEWAY}-{number}"),
        is_first: number == 1,
        ..platform(GATEWAY, &gateway, last + 2)
    }));
    specs.iter_mut().for_each(|spec| spec.config_from = from(&spec.name));
    specs
}

/// What is written there: the service's own settings are a table of their own, so that they never clash with those
/// every service has.
pub(crate) fn config_text(spec: &Spec) -> String {
    let table = toml::Table::from_iter([("service".to_owned(), toml::Value::Table(spec.config.clone()))]);
    toml::to_string(&table).expect("a table read from TOML can be written as TOML")
}

/// The file a slot's settings are written to, in the data folder.
pub(crate) fn config_file(name: &str) -> PathBuf {
    PathBuf::from("config").join(format!("{name}.toml"))
}

fn instance(service: &Service, pages: Option<&Path>, number: u32, depth: usize) -> Spec {
    let mut after = vec![BROKER.to_owned()];
    after.extend(service.after.iter().cloned());
    let pages = pages.map(|folder| ("BONGSU_PAGES".to_owned(), folder.display().to_string()));
    let env = service.env.clone().into_iter().chain(pages).collect();
    let told = std::iter::once(BROKER).chain(service.asks_for()).map(str::to_owned).collect();
    Spec {
        name: service.name.clone(),
        slot: format!("{}-{number}", service.name),
        is_first: number == 1,
        command: if service.is_own { Command::Own } else { Command::Named(service.command.clone()) },
        args: service.args.clone(),
        env,
        listen: None,
        after,
        told,
        start: service.start,
        depth,
        config: service.config.clone(),
        config_from: String::new(),
    }
}

fn platform(name: &str, part: &PlatformPart, depth: usize) -> Spec {
    Spec {
        name: name.to_owned(),
        slot: name.to_owned(),
        is_first: true,
        command: Command::Own,
        args: vec![name.to_owned()],
        env: part.env.clone().into_iter().collect(),
        listen: part.listen,
        after: Vec::new(),
        told: Vec::new(),
        start: part.start,
        depth,
        config: part.config.clone(),
        config_from: String::new(),
    }
}

//! How many instances of each service there are to be: what `bongsu.toml` says, or what was ordered since.
//!
//! An order is kept in the data folder, so that it outlives the supervisor. It holds until the description names another
//! number than it did when the order was given: whoever edits the file means it.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::data_folder::{DataFolder, DataFolderError};
pub use crate::part::MOST;
use crate::system_file::{BROKER, GATEWAY, SystemFile};

/// The file in the data folder.
const FILE: &str = "scale.json";

/// The orders in force, by service, and what the description says.
pub(crate) struct Orders {
    kept: BTreeMap<String, Order>,
    described: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    instances: u32,
    /// What `bongsu.toml` said when it was given.
    described: u32,
}

/// Why a service cannot be scaled; each is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// Nobody has that name.
    #[error("no service '{name}'; there are {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A part of the platform.
    #[error("there is one {0}, and no more")]
    One(&'static str),
    /// Too few or too many.
    #[error("{name}={wished}: 1 to {MOST} instances are possible{}", if *wished == 0 { format!(" ('bongsu stop {name}' stops them)") } else { String::new() })]
    Range {
        /// Of what.
        name: String,
        /// How many.
        wished: u32,
    },
    /// The order cannot be kept.
    #[error("{0}")]
    Kept(String),
    /// The system is ending.
    #[error("the system is stopping")]
    Stopping,
    /// This process may not have so many files open.
    #[error("{0}")]
    Files(String),
    /// Some that were to go are still there.
    #[error("{} did not stop", .0.join(", "))]
    Left(Vec<String>),
}

/// Files an instance needs in the supervisor: three pipes, a handle, its log, and questions about its readiness.
const FILES_EACH: u64 = 8;
/// Files for everything else, the control API above all.
const FILES_OF_OUR_OWN: u64 = 64;
/// Children inherit the limit: with fewer a service cannot hold its store and serve.
const FEWEST_FILES: u64 = 128;

/// Whether the machine lets us have so many instances: without files the control API could not even say what is wrong.
pub(crate) fn enough_files(instances: usize) -> Result<(), String> {
    let needed = (FILES_OF_OUR_OWN + FILES_EACH * instances as u64).max(FEWEST_FILES);
    match crate::machine::open_files() {
        Some(may) if may < needed => Err(format!(
            "{instances} instances need {needed} open files, this process may have {may}: raise the limit ('ulimit -n 1024')"
        )),
        _ => Ok(()),
    }
}

impl Orders {
    /// Reads the orders that still hold and applies them to a description. What cannot be read is said and passed over:
    /// then every service has as many instances as the description says.
    pub(crate) fn apply(data: &DataFolder, system: &mut SystemFile) -> (Self, Option<String>) {
        let path = data.path().join(FILE);
        let read = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error.to_string()),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
        };
        let (mut orders, complaint) = match read {
            Ok(orders) => (orders, None),
            Err(why) => (BTreeMap::new(), Some(format!("{} is passed over: {why}", path.display()))),
        };
        orders.retain(|name: &String, order: &mut Order| {
            let described = system.instances(name).map(|described| *described);
            described == Some(order.described) && (1..=MOST).contains(&order.instances)
        });
        let all = system.services.iter().map(|service| (service.name.clone(), service.instances));
        let described = all.chain([(GATEWAY.to_owned(), system.gateway.instances)]).collect();
        for (name, order) in &orders {
            if let Some(instances) = system.instances(name) {
                *instances = order.instances;
            }
        }
        (Self { kept: orders, described }, complaint)
    }

    /// Notes an order for good.
    pub(crate) fn keep(&mut self, data: &DataFolder, name: &str, instances: u32) -> Result<(), DataFolderError> {
        let described = self.described.get(name).copied().unwrap_or(1);
        if instances == described {
            self.kept.remove(name);
        } else {
            self.kept.insert(name.to_owned(), Order { instances, described });
        }
        let text = serde_json::to_string(&self.kept).expect("names and numbers can always be written as JSON");
        data.write(FILE, &text).map(drop)
    }
}

/// Whether so many instances of that service are possible.
pub(crate) fn check(system: &SystemFile, name: &str, wished: u32) -> Result<(), ScaleError> {
    if name == BROKER {
        return Err(ScaleError::One(BROKER));
    }
    if name != GATEWAY && !system.services.iter().any(|service| service.name == name) {
        let known = system.services.iter().map(|service| service.name.clone()).collect();
        return Err(ScaleError::Unknown { name: name.to_owned(), known });
    }
    if !(1..=MOST).contains(&wished) {
        return Err(ScaleError::Range { name: name.to_owned(), wished });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(instances: u32) -> SystemFile {
        let text = format!("name = 'house'\n[[service]]\nname = 'door'\ncommand = 'x'\ninstances = {instances}");
        toml::from_str(&text).unwrap()
    }

    fn start(data: &DataFolder, described: u32) -> (u32, Orders, Option<String>) {
        let mut system = system(described);
        let (orders, complaint) = Orders::apply(data, &mut system);
        (system.services[0].instances, orders, complaint)
    }

    #[test]
    fn an_order_outlives_the_supervisor_until_the_description_changes_its_mind() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::take(folder.path()).unwrap();
        let (_, mut orders, _) = start(&data, 1);
        orders.keep(&data, "door", 4).unwrap();
        let (now, mut orders, _) = start(&data, 1);
        assert_eq!(now, 4);
        orders.keep(&data, "door", 2).unwrap();
        assert_eq!(start(&data, 1).0, 2);
        assert_eq!(start(&data, 3).0, 3, "who edits the file means it");
        let (_, mut orders, _) = start(&data, 1);
        orders.keep(&data, "door", 1).unwrap();
        assert!(start(&data, 1).1.kept.is_empty(), "nothing is left to remember");
        orders.keep(&data, "door", 3).unwrap();
        assert_eq!(start(&data, 1).0, 3);
    }

    #[test]
    fn what_cannot_be_read_or_meant_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::take(folder.path()).unwrap();
        for (text, complains) in [
            ("{", true),
            (r#"{"door":{"instances":-1,"described":1}}"#, true),
            (r#"{"door":{"instances":1000,"described":1}}"#, false),
            (r#"{"window":{"instances":2,"described":1}}"#, false),
        ] {
            data.write(FILE, text).unwrap();
            let (now, _, complaint) = start(&data, 1);
            assert_eq!((now, complaint.is_some()), (1, complains), "{text}");
        }
    }

    #[test]
    fn impossible_wishes_are_refused_in_one_line() {
        let said = |name: &str, wished| check(&system(1), name, wished).unwrap_err().to_string();
        assert_eq!(said("door", 0), "door=0: 1 to 64 instances are possible ('bongsu stop door' stops them)");
        assert_eq!(said("door", 1_000), "door=1000: 1 to 64 instances are possible");
        assert_eq!(said("window", 2), "no service 'window'; there are door");
        assert_eq!(said("broker", 2), "there is one broker, and no more");
        assert_eq!(said("gateway", 65), "gateway=65: 1 to 64 instances are possible");
        assert_eq!(check(&system(1), "gateway", 2), Ok(()));
        assert_eq!(check(&system(1), "door", MOST), Ok(()));
    }
}

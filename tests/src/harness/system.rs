//! A copy of `mall/bongsu.toml` in a folder of its own, with what a test wants different.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use toml::{Table, Value};

/// The description of a system and the folder it lives in, which goes with it.
pub struct System {
    table: Table,
    folder: TempDir,
}

impl System {
    /// 12street as it is, but on free ports, and with five goods: nobody counts the others, and everybody would wait for them.
    pub fn of_the_mall() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mall/bongsu.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut table: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        table.remove("data");
        table.insert("gateway".into(), Table::from_iter([("listen".into(), "127.0.0.1:0".into())]).into());
        let system = Self { table, folder: tempfile::tempdir().expect("a folder can be made") };
        system.set("product", "goods", false)
    }

    /// An own setting of a service, the gateway or the identity provider.
    #[must_use]
    pub fn set(mut self, service: &str, key: &str, value: impl Into<Value>) -> Self {
        let config = self.section(service).entry("config").or_insert_with(|| Table::new().into());
        config.as_table_mut().expect("config is a table").insert(key.into(), value.into());
        self
    }

    /// A service of which several instances run at once.
    #[must_use]
    pub fn instances(mut self, service: &str, count: i64) -> Self {
        self.service(service).insert("instances".into(), count.into());
        self
    }

    /// A service that does not start with the others.
    #[must_use]
    pub fn without(mut self, service: &str) -> Self {
        self.service(service).insert("start".into(), false.into());
        self
    }

    /// With a service that the mall has not.
    #[must_use]
    pub fn with(mut self, service: Table) -> Self {
        let services = self.table.get_mut("service").and_then(Value::as_array_mut).expect("the mall has services");
        services.push(service.into());
        self
    }

    /// Where everything it keeps is.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder that holds everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `bongsu up` said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.said_in()).unwrap_or_default()
    }

    /// The file `bongsu up` speaks into.
    pub fn said_in(&self) -> PathBuf {
        self.folder.path().join("up.log")
    }

    /// Writes the description.
    pub(super) fn write(&self) {
        fs::write(self.file(), self.table.to_string()).expect("the folder can be written");
    }

    /// `bongsu`, pointed at this system.
    pub fn bongsu(&self) -> Command {
        let mut command = Command::new(binary("bongsu"));
        command.arg("--file").arg(self.file()).arg("--data").arg(self.data());
        command
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("bongsu.toml")
    }

    fn section(&mut self, name: &str) -> &mut Table {
        if matches!(name, "gateway" | "identity") {
            return self.table.get_mut(name).and_then(Value::as_table_mut).expect("the mall has it");
        }
        self.service(name)
    }

    fn service(&mut self, name: &str) -> &mut Table {
        let services = self.table.get_mut("service").and_then(Value::as_array_mut).expect("the mall has services");
        let mut tables = services.iter_mut().filter_map(Value::as_table_mut);
        tables.find(|table| table.get("name").and_then(Value::as_str) == Some(name)).expect("the mall has that service")
    }
}

/// A binary beside the folder of the test binaries: cargo gives a test only the binaries of its own package.
///
/// # Panics
/// When it was not built.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its program");
    let target = own.parent().and_then(Path::parent).expect("tests are built into target/PROFILE/deps");
    let path = target.join(name);
    assert!(path.is_file(), "{} is missing: cargo build --workspace --bins", path.display());
    path
}

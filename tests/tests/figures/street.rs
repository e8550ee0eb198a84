//! The gateway of the mall with the mall's routes, and one upstream that answers a constant.

use std::net::SocketAddr;

use system_tests::harness::{
    Mall,
    people::CUSTOMER,
    system::{System, binary},
};
use toml::{Table, toml};

/// What is asked: a path that only somebody who is logged in may ask.
pub(crate) const PATH: &str = "/constant/1";

/// A running system with nothing in it but the gateway, the identity provider and the constant; everybody else's routes are
/// there, too.
pub(crate) struct Street {
    pub(crate) mall: Mall,
    /// Where the gateway is asked.
    pub(crate) gateway: SocketAddr,
    /// Where the constant is, behind it.
    pub(crate) constant: SocketAddr,
}

impl Street {
    /// With a limit that counts everything and refuses nothing; with the breaker and the log that are always there.
    pub(crate) fn open() -> Self {
        let contexts = system_tests::mall::CONTEXTS.into_iter().chain(["sandbox", "shell"]);
        let system = contexts.fold(System::of_the_mall(), System::without).with(constant());
        let rates = toml! { all = [{ name = "callers", per = "address", requests = 1_000_000, seconds = 1 }] };
        let mall = Mall::start(system.set("gateway", "rates", rates["all"].clone()));
        let address = |url: &str| url.strip_prefix("http://").and_then(|at| at.parse().ok()).expect("an address");
        let constant = address(&mall.process("constant").url.expect("it listens"));
        Self { gateway: address(mall.gateway()), constant, mall }
    }

    /// A customer's token.
    pub(crate) fn token(&self) -> String {
        self.mall.token(CUSTOMER)
    }

    /// The gateway's process.
    pub(crate) fn gateway_process(&self) -> u32 {
        self.mall.process("gateway").pid.expect("it runs")
    }
}

/// As a service of a system file.
fn constant() -> Table {
    let mut service = toml! {
        name = "constant"
        routes = ["/constant/*", "/sick/*"]
    };
    service.insert("command".into(), binary("examples/constant").display().to_string().into());
    service
}

//! Who speaks: keys as `bongsu secret` prints them, and what one may do with them.

use std::time::SystemTime;

use bongsu_keys::{Audience, BROKER, GATEWAY, Key, Keys, OPERATOR, Roots, Vouched};

use crate::harness::{
    Mall,
    http::{Http, Response},
    people::CUSTOMER,
};

/// What is asked with an operator's key here: what the gateway asks one for, as `mall/bongsu.toml` says it, and whatever is only
/// its customer's otherwise.
pub fn is_for_operators(method: &str, path: &str) -> bool {
    let below =
        |above: &str| path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let all = ["/behaviour", "/ledger", "/payments", "/deliveries", "/audit"];
    all.into_iter().any(below) || (!matches!(method, "GET" | "HEAD") && (below("/products") || below("/stock")))
}

impl Mall {
    /// What somebody shows to somebody else.
    pub fn bearer(&self, from: &str, to: &str) -> String {
        self.key(from, to).bearer()
    }

    /// An operator's key to the gateway.
    pub fn operator(&self) -> String {
        self.bearer(OPERATOR, GATEWAY)
    }

    /// What the one shows who asks for that in these tests.
    pub fn bearer_for(&self, method: &str, path: &str) -> String {
        if is_for_operators(method, path) { self.operator() } else { self.token(CUSTOMER) }
    }

    /// `GET` at a process itself, as one who may: an operator at the broker, the gateway at a service, for a customer who
    /// is an operator, too.
    ///
    /// # Errors
    /// Why there was no answer.
    pub fn ask_process(&self, http: &Http, name: &str, url: &str) -> Result<Response, String> {
        if name == BROKER {
            return http.ask_as(&self.bearer(OPERATOR, BROKER), "GET", url, None);
        }
        let who = Vouched { roles: vec![OPERATOR.into()], ..Vouched::named(self.person(CUSTOMER)) };
        http.request("GET", url, &[("x-bongsu-principal", &self.vouched(name, &who, now_ms()))], Vec::new())
    }

    /// Who is asking, as the gateway says it to a service at some moment.
    pub fn said_to(&self, service: &str, principal: &str, at_ms: i64) -> String {
        self.vouched(service, &Vouched::named(principal), at_ms)
    }

    fn vouched(&self, service: &str, who: &Vouched, at_ms: i64) -> String {
        let folder = tempfile::tempdir().expect("a folder of our own");
        let file = folder.path().join("gateway.json");
        self.roots().write_keys(&file, GATEWAY).unwrap_or_else(|error| panic!("{error}"));
        let gateway = Keys::open(&file).unwrap_or_else(|error| panic!("{error}"));
        gateway.vouch(&Audience::one(service), who, at_ms).expect("the gateway signs").to_string()
    }

    fn roots(&self) -> Roots {
        Roots::read(&self.system().data()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The key of somebody to somebody else.
    pub fn key(&self, from: &str, to: &str) -> Key {
        self.roots().key(from, to)
    }
}

/// The wall clock of the processes under test.
#[expect(clippy::disallowed_methods, reason = "the processes under test live in real time")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("it is before the year 292 million")
}

//! The public sockets of a system. They are the supervisor's, and every gateway is handed them: connections wait in one line, and
//! whoever of the gateways is there takes the next. One that ends, however it does, takes along only those that it has.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpSocket;

use crate::logs::Logs;
use crate::system_file::{GATEWAY, PlatformPart};

/// Connections that wait to be taken: as many as a server that listens by itself lets wait.
const WAITING: u32 = 1_024;
/// What the sockets are called in `LISTEN_FDNAMES` (sd_listen_fds(3)).
const PLAIN: &str = "plain";
const TLS: &str = "tls";

pub(crate) struct Front {
    logs: Arc<Logs>,
    wished: SocketAddr,
    /// Where TLS is spoken, if it is.
    tls: Option<SocketAddr>,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    open: Option<Open>,
    /// Gateways that are, or are about to be.
    users: BTreeSet<String>,
    /// Where they were open before.
    last: Option<Addresses>,
}

#[derive(Clone, Copy)]
struct Addresses {
    plain: SocketAddr,
    tls: Option<SocketAddr>,
}

struct Open {
    plain: TcpListener,
    tls: Option<TcpListener>,
    at: Addresses,
}

/// What a gateway is handed.
pub(crate) struct Handed {
    pub(crate) sockets: Vec<OwnedFd>,
    /// What they are called, in that order.
    pub(crate) names: &'static str,
    /// Where the plain one is.
    pub(crate) url: String,
}

impl Front {
    /// The public side of that gateway; not open yet.
    pub(crate) fn of(gateway: &PlatformPart, wished: SocketAddr, logs: Arc<Logs>) -> Self {
        // What cannot be read the gateway refuses, and says why.
        let tls = gateway.config.get(TLS).and_then(|tls| tls.get("listen")?.as_str()?.parse().ok());
        Self { logs, wished, tls, now: Mutex::default() }
    }

    /// The sockets for a gateway; opened for the first one.
    pub(crate) fn take(&self, slot: &str) -> Result<Handed, String> {
        let mut now = self.lock();
        if now.open.is_none() {
            now.open = Some(self.open(now.last)?);
        }
        let open = now.open.as_ref().ok_or("they were just opened")?;
        let (at, tls) = (open.at, open.tls.as_ref());
        let sockets = std::iter::once(&open.plain).chain(tls).map(|socket| Ok(socket.try_clone()?.into()));
        let sockets = sockets.collect::<io::Result<Vec<OwnedFd>>>().map_err(|why| format!("no socket: {why}"))?;
        let names = if tls.is_some() { "plain:tls" } else { PLAIN };
        now.last = Some(at);
        now.users.insert(slot.to_owned());
        Ok(Handed { sockets, names, url: format!("http://{}", at.plain) })
    }

    /// A gateway is not wanted, or cannot be: after the last one nobody is left waiting for an answer.
    pub(crate) fn leave(&self, slot: &str) {
        let mut now = self.lock();
        if now.users.remove(slot) && now.users.is_empty() {
            now.open = None;
        }
    }

    /// Where it was before, where it is wished, or at any free port, which is said. TLS is spoken where it was said or nowhere.
    fn open(&self, last: Option<Addresses>) -> Result<Open, String> {
        let wished = last.map_or(self.wished, |last| last.plain);
        let plain = listen(wished).or_else(|why| {
            self.logs.note("WARN", &format!("{GATEWAY}: {wished} is not free ({why}), taking a free port"));
            listen(SocketAddr::new(wished.ip(), 0))
        });
        let plain = plain.map_err(|why| format!("cannot listen on {wished}: {why}"))?;
        let secure = last.and_then(|last| last.tls).or(self.tls);
        let tls = secure.map(|at| listen(at).map_err(|why| format!("cannot listen on {at} for TLS: {why}")));
        let tls = tls.transpose()?;
        let address = |socket: &TcpListener| socket.local_addr().map_err(|why| format!("no address: {why}"));
        let at = Addresses { plain: address(&plain)?, tls: tls.as_ref().map(address).transpose()? };
        Ok(Open { plain, tls, at })
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(WAITING)?.into_std()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn front(folder: &std::path::Path, config: &str) -> Front {
        let gateway = PlatformPart { config: toml::from_str(config).unwrap(), ..PlatformPart::default() };
        Front::of(&gateway, "127.0.0.1:0".parse().unwrap(), Arc::new(Logs::new(folder.to_owned())))
    }

    fn answers(url: &str) -> bool {
        TcpStream::connect(url.strip_prefix("http://").unwrap()).is_ok()
    }

    #[tokio::test]
    async fn all_gateways_have_one_address_which_is_there_as_long_as_one_of_them_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let front = front(folder.path(), "tls = { listen = '127.0.0.1:0' }");
        let (one, two) = (front.take("gateway-1").unwrap(), front.take("gateway-2").unwrap());
        assert_eq!((&one.url, one.sockets.len(), one.names), (&two.url, 2, "plain:tls"));
        let url = one.url.clone();
        drop((one, two));
        front.leave("gateway-1");
        front.leave("gateway-1");
        assert!(answers(&url), "the other one is wanted");
        front.leave("gateway-2");
        assert!(!answers(&url));
        assert_eq!(front.take("gateway-1").unwrap().url, url, "it is where it was");
    }

    #[tokio::test]
    async fn a_taken_address_is_replaced_in_plain_and_refused_for_tls() {
        let folder = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let plain = Front { wished: address, ..front(folder.path(), "") };
        let handed = plain.take("gateway-1").unwrap();
        assert!(handed.url != format!("http://{address}") && handed.names == PLAIN);
        assert!(std::fs::read_to_string(folder.path().join("supervisor.jsonl")).unwrap().contains("is not free"));
        let secure = front(folder.path(), &format!("tls = {{ listen = '{address}' }}"));
        assert!(secure.take("gateway-1").err().unwrap().contains("for TLS"));
        for garbage in ["tls = 1", "tls = { listen = 1 }", "tls = { listen = 'here' }", "tls = []"] {
            assert_eq!(front(folder.path(), garbage).take("gateway-1").unwrap().names, PLAIN, "{garbage}");
        }
    }
}

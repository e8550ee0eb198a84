//! How instances on one file wake each other: a datagram on the loopback interface after each group.
//!
//! A lost datagram costs 100 ms, after which every waiter looks anyway. The sender is not trusted: a message
//! must carry the secret of the file.

use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    net::{Ipv4Addr, UdpSocket},
    sync::Arc,
    thread,
    thread::JoinHandle,
    time::Duration,
};

use bongsu_runtime::ports::store::Position;
use rusqlite::Connection;

use crate::store::Shared;

/// After so long everyone who waits for a change looks.
const TICK: Duration = Duration::from_millis(100);

/// The ringing side, owned by the writer.
pub(crate) struct Doorbell {
    port: u16,
    secret: [u8; 16],
    /// A connected socket per instance, because only those learn that nobody listens any more.
    others: HashMap<u16, UdpSocket>,
    gone: Vec<u16>,
}

impl Doorbell {
    /// Binds a socket to listen on; `None` when the machine has no loopback interface.
    pub(crate) fn bind(secret: [u8; 16]) -> Option<(Self, UdpSocket)> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let port = socket.local_addr().ok()?.port();
        Some((Self { port, secret, others: HashMap::new(), gone: Vec::new() }, socket))
    }

    /// Adds this instance to those that are rung.
    pub(crate) fn register(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute("INSERT OR IGNORE INTO doorbell (port) VALUES (?1)", [self.port]).map(|_| ())
    }

    /// Takes this instance off the list.
    pub(crate) fn unregister(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute("DELETE FROM doorbell WHERE port = ?1", [self.port]).map(|_| ())
    }

    /// Inside a transaction: forgets who is gone, and reads who is there.
    pub(crate) fn refresh(&mut self, db: &Connection) -> rusqlite::Result<()> {
        for port in &self.gone {
            db.prepare_cached("DELETE FROM doorbell WHERE port = ?1")?.execute([port])?;
        }
        let mut list = db.prepare_cached("SELECT port FROM doorbell WHERE port <> ?1")?;
        let ports: Vec<u16> = list.query_map([self.port], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        self.others.retain(|port, _| ports.contains(port));
        for port in ports {
            if let std::collections::hash_map::Entry::Vacant(new) = self.others.entry(port)
                && let Ok(socket) = connect(port)
            {
                new.insert(socket);
            }
        }
        Ok(())
    }

    /// After the transaction is durable.
    pub(crate) fn ring(&mut self, head: u64) {
        self.gone.clear();
        let mut message = [0; 24];
        message[..16].copy_from_slice(&self.secret);
        message[16..].copy_from_slice(&head.to_le_bytes());
        for (port, socket) in &self.others {
            if socket.send(&message).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
                self.gone.push(*port);
            }
        }
    }
}

fn connect(port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Starts the thread that hears others ring and wakes who waits, at the latest every 100 ms.
pub(crate) fn listen(shared: Arc<Shared>, socket: Option<UdpSocket>, secret: [u8; 16]) -> io::Result<JoinHandle<()>> {
    if let Some(socket) = &socket {
        socket.set_read_timeout(Some(TICK))?;
    }
    thread::Builder::new().name("store-bell".to_owned()).spawn(move || {
        while !shared.closing() {
            match &socket {
                Some(socket) => hear(&shared, socket, &secret),
                None => thread::park_timeout(TICK),
            }
            shared.news.notify_waiters();
        }
    })
}

fn hear(shared: &Shared, socket: &UdpSocket, secret: &[u8; 16]) {
    let mut message = [0; 32];
    match socket.recv(&mut message) {
        Ok(24) if message[..16] == secret[..] => {
            let mut head = [0; 8];
            head.copy_from_slice(&message[16..24]);
            shared.reached(Position(u64::from_le_bytes(head)));
        }
        Ok(_) => {} // A stranger; waking for nothing is harmless.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        Err(_) => thread::park_timeout(TICK), // Whatever it is, it must not spin.
    }
}

//! How instances on one file wake each other: a datagram after each group, to a socket per instance in a folder beside
//! the file.
//!
//! A lost datagram costs 100 ms, after which every waiter looks anyway. Who is there stands beside the store and not in
//! it: a list inside went with every copy of the file, and the copy rang the original's instances. A socket is an inode
//! that only the process that made it listens to, so whatever copies the folder copies nothing that could be rung. The
//! folder is its owner's alone; that is why a message needs no secret.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind},
    os::{
        fd::AsRawFd as _,
        unix::{
            ffi::OsStrExt as _,
            fs::{DirBuilderExt as _, FileTypeExt as _},
            net::UnixDatagram,
        },
    },
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    thread::JoinHandle,
    time::Duration,
};

use bongsu_runtime::ports::store::Position;

use crate::store::Shared;

/// After so long everyone who waits for a change looks.
const TICK: Duration = Duration::from_millis(100);
/// What a socket's address can hold (`sun_path` of unix(7), less its closing zero).
const LONGEST: usize = 107;
/// Names tried before an instance does without: each belongs to one that lives, or lived, with the same number.
const TRIES: usize = 64;

/// The ringing side, owned by the writer.
pub(crate) struct Doorbell {
    folder: Folder,
    name: OsString,
    sender: UnixDatagram,
}

/// Where the sockets of a file are.
struct Folder {
    path: PathBuf,
    /// A path that is too long for an address is reached through this.
    open: File,
}

impl Doorbell {
    /// Makes a socket to listen on; `None` when the machine refuses one.
    pub(crate) fn bind(file: &Path) -> Option<(Self, UnixDatagram)> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let folder = Folder::of(file).ok()?;
        let sender = UnixDatagram::unbound().ok()?;
        sender.set_nonblocking(true).ok()?;
        (0..TRIES)
            .find_map(|_| {
                let name = OsString::from(format!("{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed)));
                let socket = UnixDatagram::bind(folder.at(&name)).ok()?;
                Some((name, socket))
            })
            .map(|(name, socket)| (Self { folder, name, sender }, socket))
    }

    /// After the transaction is durable. Who does not listen any more is taken off the list.
    pub(crate) fn ring(&self, head: u64) {
        for (name, is_socket) in self.folder.names() {
            if name == self.name {
                continue;
            }
            let rung = self.sender.send_to(&head.to_le_bytes(), self.folder.at(&name));
            if is_socket && rung.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
                // Somebody else may have done it already.
                let _ = fs::remove_file(self.folder.path.join(&name));
            }
        }
    }

    /// Takes this instance off the list.
    pub(crate) fn leave(&self) {
        let _ = fs::remove_file(self.folder.path.join(&self.name));
    }
}

impl Folder {
    fn of(file: &Path) -> io::Result<Self> {
        // Not `NAME.db.bells`: whoever throws a store away takes all that begins with its file's name.
        let path = file.with_extension("bells");
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        Ok(Self { open: File::open(&path)?, path })
    }

    /// Who is there, and whether it is a socket at all.
    fn names(&self) -> impl Iterator<Item = (OsString, bool)> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.map(|entry| (entry.file_name(), entry.file_type().is_ok_and(|kind| kind.is_socket())))
    }

    fn at(&self, name: &OsStr) -> PathBuf {
        let path = self.path.join(name);
        if path.as_os_str().as_bytes().len() <= LONGEST {
            return path;
        }
        PathBuf::from(format!("/proc/self/fd/{}", self.open.as_raw_fd())).join(name)
    }
}

/// Starts the thread that hears others ring and wakes who waits, at the latest every 100 ms.
pub(crate) fn listen(shared: Arc<Shared>, socket: Option<UnixDatagram>) -> io::Result<JoinHandle<()>> {
    if let Some(socket) = &socket {
        socket.set_read_timeout(Some(TICK))?;
    }
    thread::Builder::new().name("store-bell".to_owned()).spawn(move || {
        while !shared.closing() {
            match &socket {
                Some(socket) => hear(&shared, socket),
                None => thread::park_timeout(TICK),
            }
            shared.news.notify_waiters();
        }
    })
}

fn hear(shared: &Shared, socket: &UnixDatagram) {
    let mut message = [0; 16];
    match socket.recv(&mut message) {
        Ok(8) => {
            let mut head = [0; 8];
            head.copy_from_slice(&message[..8]);
            shared.reached(Position(u64::from_le_bytes(head)));
        }
        Ok(_) => {} // Nobody we know; waking for nothing is harmless.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        Err(_) => thread::park_timeout(TICK), // Whatever it is, it must not spin.
    }
}

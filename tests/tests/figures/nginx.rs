//! nginx as the gateway's peer: the same upstream, access log and limit, one worker, in a folder of its own.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use system_tests::harness::wait::until;
use tempfile::TempDir;

use crate::machine::children;

/// Where distributions put it; it need not be on an ordinary user's PATH.
const PROGRAMS: [&str; 3] = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"];
/// Ends it when the pipe does, which is when whoever measures is gone.
const KEEP: &str = r#""$0" -p "$1" -c "$1/nginx.conf" -e "$1/error.log" & read _; kill -TERM $!; wait"#;
const PATIENCE: Duration = Duration::from_secs(10);

/// A running nginx.
pub(crate) struct Nginx {
    keeper: Child,
    folder: TempDir,
    pub(crate) address: SocketAddr,
}

impl Nginx {
    /// In front of that upstream; nothing where nginx is not installed.
    pub(crate) fn before(upstream: SocketAddr) -> Option<Self> {
        let program = PROGRAMS.into_iter().find(|program| Path::new(program).is_file())?;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
        let conf = configuration(folder.path(), address, upstream);
        fs::write(folder.path().join("nginx.conf"), conf).expect("the folder can be written");
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEP, program]).arg(folder.path());
        let keeper = keeper.stdin(Stdio::piped()).spawn().expect("sh can be started");
        let this = Self { keeper, folder, address };
        until("nginx listens", PATIENCE, || match TcpStream::connect(address) {
            Ok(_) => Ok(()),
            Err(why) => Err(format!("{why}: {}", this.said())),
        });
        Some(this)
    }

    /// Its processes: who reads the configuration, and the worker.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let master = fs::read_to_string(self.folder.path().join("nginx.pid")).expect("it says who it is");
        let master = master.trim().parse().expect("a number");
        std::iter::once(master).chain(children(master)).collect()
    }

    /// How many requests it logged.
    pub(crate) fn logged(&self) -> usize {
        let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        log.lines().count()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Whatever it writes is in its folder, so that it needs no rights; connections are kept on both sides as by the gateway.
fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000; tcp_nodelay on;
    limit_req_zone $binary_remote_addr zone=callers:10m rate=1000000r/s;
    upstream constant {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen {address};
        location / {{
            limit_req zone=callers burst=1000000 nodelay;
            proxy_pass http://constant; proxy_http_version 1.1; proxy_set_header Connection \"\";
        }}
    }}
}}
"
    )
}

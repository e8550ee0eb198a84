//! Whether an address is free.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// Binds and lets go, without listening: a listener would accept connections only to reset them. The address, with the port
/// that was given where none was named.
pub(crate) fn can_bind(address: SocketAddr) -> io::Result<SocketAddr> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.local_addr()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_somebody_listens_on_is_not_free_and_a_port_of_its_own_is() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(can_bind(address).map_err(|error| error.kind()), Err(io::ErrorKind::AddrInUse));
        let other = can_bind(SocketAddr::new(address.ip(), 0)).unwrap();
        assert!(other.port() != 0 && other != address, "{other}");
        drop(taken);
        assert_eq!(can_bind(address).unwrap(), address);
    }
}

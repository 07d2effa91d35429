//! Addresses for those that must get the same one again after a death.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::dice::Dice;

/// Below the ports that systems give to outgoing connections: one of those could be gone when its
/// owner comes back from the dead.
const PORTS: std::ops::Range<u16> = 10_240..32_768;

/// How many ports are tried.
const TRIES: u32 = 1_000;

/// An address of this machine that nobody listens on now.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    let given = GIVEN.fetch_add(1, Ordering::Relaxed);
    // Other processes of this machine look for ports too, and begin elsewhere.
    let mut dice = Dice::of(u64::from(std::process::id()), &format!("port {given}"));
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let place = dice.below(PORTS.len() as u64);
        let port = PORTS.start.saturating_add(u16::try_from(place).unwrap_or(0));
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return listener.local_addr(),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_and_no_outgoing_connection_takes_them() {
        let addresses: Vec<SocketAddr> = (0..20).map(|_| free_address().unwrap()).collect();
        let ports: std::collections::BTreeSet<u16> =
            addresses.iter().map(SocketAddr::port).collect();
        assert_eq!(ports.len(), 20);
        assert!(ports.iter().all(|port| PORTS.contains(port)));
        assert!(addresses.iter().all(|address| TcpListener::bind(address).is_ok()));
    }
}

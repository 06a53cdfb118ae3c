//! An address where nobody listens.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

/// A port that is taken, so that no other program gets it, and refuses connections.
pub struct ClosedPort {
    _held: OwnedFd,
    pub address: SocketAddr,
}

impl ClosedPort {
    pub fn new() -> ClosedPort {
        let held = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = SocketAddr::try_from(getsockname(&held).unwrap()).unwrap();
        ClosedPort {
            _held: held,
            address,
        }
    }

    /// For a profile's `endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

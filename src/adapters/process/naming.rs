//! A child that names itself between its start and its program.

use std::io::{Cursor, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::net::{SendFlags, send};

/// Makes the child write `?`, its number and a line break to `socket`. If nobody reads that, it goes
/// on without. The socket must stay open until the child is started.
#[allow(unsafe_code)]
pub(super) fn named_by_itself(command: &mut Command, socket: &UnixStream) {
    let socket = socket.as_fd().as_raw_fd();
    let name = move || {
        // On the stack: another thread may have held the lock of the allocator.
        let mut line = [0; 16];
        let mut rest = Cursor::new(&mut line[..]);
        let number = rustix::process::getpid().as_raw_nonzero();
        // SAFETY: the caller keeps it open, and the child has a copy of it.
        let socket = unsafe { BorrowedFd::borrow_raw(socket) };
        if writeln!(rest, "?{number}").is_ok() {
            let length = usize::try_from(rest.position()).unwrap_or(0);
            let line = line.get(..length).unwrap_or_default();
            let _ = send(socket, line, SendFlags::NOSIGNAL);
        }
        Ok(())
    };
    // SAFETY: between fork and exec, it takes no lock and no memory, and calls only the kernel.
    unsafe { command.pre_exec(name) };
}

//! A real mail server with a certificate of its own, which knows one account.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::https::CERTIFICATE;

pub const USER: &str = "reporter";
pub const PASSWORD: &str = "mail-opensesame";

/// Keeps each message that it takes as a file. Ends with its standard input.
const PROGRAM: &str = r#"
import asyncio
from aiosmtpd.smtp import SMTP, AuthResult
kind, user, password = sys.argv[2:5]
class Handler:
    count = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such recipient"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        with open(f"{where}/{self.count}.eml", "wb") as file:
            file.write(("X-To: " + " ".join(envelope.rcpt_tos) + "\r\n").encode() + envelope.content)
        return "250 taken as number " + str(self.count)
def known(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=right, handled=False)
handler = Handler()
def protocol():
    if kind == "none":
        return SMTP(handler)
    start = {"tls_context": context, "require_starttls": True} if kind == "starttls" else {}
    login = {"auth_required": True, "authenticator": known, "auth_require_tls": kind == "starttls"}
    return SMTP(handler, **start, **login)
async def serve():
    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if kind == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(serve())
"#;

/// The server; it ends when dropped.
pub struct MailServer {
    place: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl MailServer {
    /// One whose connections are encrypted like this, as in `smtp.security`.
    pub fn start(security: &str) -> MailServer {
        let place = tempfile::tempdir().unwrap();
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin/python");
        let mut command = Command::new(python);
        command
            .args(["-c", &format!("{CERTIFICATE}{PROGRAM}")])
            .arg(place.path())
            .args([security, USER, PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("run tests/setup.sh first");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        MailServer {
            place,
            port: line.trim().parse().unwrap(),
            child,
        }
    }

    /// For `SSL_CERT_FILE`.
    pub fn certificate(&self) -> PathBuf {
        self.place.path().join("certificate.pem")
    }

    /// The messages that were taken, as they came, after a line `X-To` with their recipients.
    pub fn taken(&self) -> Vec<String> {
        let message = |number: u32| self.place.path().join(format!("{number}.eml"));
        (1..)
            .map_while(|number| std::fs::read_to_string(message(number)).ok())
            .collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

//! An https server with a certificate of its own, for what is called by TLS.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Makes a certificate of its own and its key in the directory `where`, with the library that moto
/// brings; `context` serves them.
pub const CERTIFICATE: &str = r#"
import datetime, http.server, ipaddress, ssl, sys, threading
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
where = sys.argv[1]
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
now = datetime.datetime.now(datetime.timezone.utc)
day = datetime.timedelta(days=1)
builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
certificate = builder.sign(key, hashes.SHA256())
with open(where + "/certificate.pem", "wb") as file:
    file.write(certificate.public_bytes(serialization.Encoding.PEM))
pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
with open(where + "/key.pem", "wb") as file:
    file.write(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(where + "/certificate.pem", where + "/key.pem")
"#;

/// Answers every POST with 200 and appends its path to a file. Ends with its standard input.
const PROGRAM: &str = r#"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with open(where + "/called", "a") as file:
            file.write(self.path + "\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
"#;

/// The server; it ends when dropped.
pub struct Https {
    place: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Https {
    pub fn start() -> Https {
        let place = tempfile::tempdir().unwrap();
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin/python");
        let mut command = Command::new(python);
        command
            .args(["-c", &format!("{CERTIFICATE}{PROGRAM}")])
            .arg(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("run tests/setup.sh first");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Https {
            place,
            port: line.trim().parse().unwrap(),
            child,
        }
    }

    pub fn address(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// For `SSL_CERT_FILE`.
    pub fn certificate(&self) -> PathBuf {
        self.place.path().join("certificate.pem")
    }

    /// The paths that were called.
    pub fn called(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.place.path().join("called")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

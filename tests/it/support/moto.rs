//! The S3 and SES server of the tests: moto, one for the whole test process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::http::{self, Answer};

/// A running server.
pub struct Moto {
    address: SocketAddr,
    /// Holds the pipe whose end tells the server to go.
    _child: Child,
}

/// The server that all tests of this process share; started by the first that asks.
///
/// Tests run at the same time: each uses buckets of its own and none resets the server.
pub fn shared() -> &'static Moto {
    static SHARED: OnceLock<Moto> = OnceLock::new();
    SHARED.get_or_init(|| Moto::start(&[]))
}

/// A server, shared too, of whose archived objects each is looked at several times before it is
/// there.
pub fn slow() -> &'static Moto {
    static SLOW: OnceLock<Moto> = OnceLock::new();
    SLOW.get_or_init(|| {
        let moto = Moto::start(&[]);
        moto.slow_thaw(3);
        moto
    })
}

impl Moto {
    /// A server of its own for tests that change settings of the whole server, which are given as
    /// environment variables or by [`Moto::post`].
    pub fn start(environment: &[(&str, &str)]) -> Moto {
        let program = program();
        assert!(
            program.exists(),
            "{} is missing: run tests/setup.sh first",
            program.display()
        );
        // Another process may take the free port before moto does; then another port will do.
        for _ in 0..3 {
            if let Some(moto) = Moto::try_start(&program, environment) {
                return moto;
            }
        }
        panic!(
            "moto does not start: try {} -H 127.0.0.1 -p 5555",
            program.display()
        );
    }

    fn try_start(program: &Path, environment: &[(&str, &str)]) -> Option<Moto> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let address = free.local_addr().ok()?;
        drop(free);
        // The shell reads a pipe that only this process holds. However this process ends, the pipe
        // ends with it, and the shell kills the server. (The kernel's parent-death signal would
        // fire when the test's *thread* ends.)
        let script = r#""$0" -H 127.0.0.1 -p "$1" >/dev/null 2>&1 & server=$!; cat >/dev/null; kill -9 "$server""#;
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(program)
            .arg(address.port().to_string())
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let limit = Instant::now() + Duration::from_secs(60);
        while Instant::now() < limit {
            if http::request(address, "GET", "/moto-api/", &[], b"")
                .is_ok_and(|answer| answer.status == 200)
            {
                return Some(Moto {
                    address,
                    _child: child,
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(child.stdin.take());
        let _ = child.wait();
        None
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same for a profile's `endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An empty bucket with a name of its own.
    pub fn bucket(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!(
            "aam-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let answer = self.request("PUT", &format!("/{name}"), &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        name
    }

    /// A request as the owner of everything. Moto wants a signature for some requests but does not
    /// check it.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let signature = "AWS4-HMAC-SHA256 Credential=owner/20260101/us-east-1/s3/aws4_request, \
                         SignedHeaders=host, Signature=0";
        let headers = [headers, &[("Authorization", signature)]].concat();
        http::request(self.address, method, path, &headers, body).expect("moto answers")
    }

    /// From now on a object that was requested is thawing for `times` and more looks at it.
    pub fn slow_thaw(&self, times: u32) {
        let json = format!(
            r#"{{"model_name":"s3::keyrestore","transition":{{"progression":"manual","times":{times}}}}}"#
        );
        assert_eq!(
            self.post("/moto-api/state-manager/set-transition", &json)
                .status,
            201
        );
    }

    /// From now on every request must be signed by somebody with the right to it.
    pub fn check_rights(&self) {
        assert_eq!(
            self.request("POST", "/moto-api/reset-auth", &[], b"0")
                .status,
            200
        );
    }

    /// A new user with these rights on everything; its access key id and secret access key. Before
    /// [`Moto::check_rights`].
    pub fn user(&self, name: &str, rights: &[&str]) -> (String, String) {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["{}"],"Resource":"*"}}]}}"#,
            rights.join("\",\"")
        );
        let policy: String = policy.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.iam(&format!("Action=CreateUser&UserName={name}"));
        self.iam(&format!(
            "Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}"
        ));
        let key = self.iam(&format!("Action=CreateAccessKey&UserName={name}"));
        let field = |name: &str| {
            let text = key
                .split(&format!("<{name}>"))
                .nth(1)
                .unwrap_or_else(|| panic!("{key}"));
            text.split('<').next().unwrap().to_owned()
        };
        (field("AccessKeyId"), field("SecretAccessKey"))
    }

    fn iam(&self, form: &str) -> String {
        let signature = "AWS4-HMAC-SHA256 Credential=owner/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, \
                         Signature=0";
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let headers = [("Authorization", signature), kind];
        let answer = http::request(self.address, "POST", "/", &headers, form.as_bytes())
            .expect("moto answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// A request to moto itself: `moto.post("/moto-api/state-manager/set-transition", r#"{…}"#)`.
    pub fn post(&self, path: &str, json: &str) -> Answer {
        self.request(
            "POST",
            path,
            &[("Content-Type", "application/json")],
            json.as_bytes(),
        )
    }
}

/// `moto_server` in the tests' own environment, or where `AAM_TEST_MOTO` says.
fn program() -> PathBuf {
    match std::env::var_os("AAM_TEST_MOTO") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin/moto_server"),
    }
}

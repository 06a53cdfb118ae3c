//! The network is cut in five ways, for the store and the email alike: the mirror is made all the
//! same, the run says that it failed, and it ends in time (docs/network.md).

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::kit::Night;
use crate::support::closed::ClosedPort;
use crate::support::https::Https;
use crate::support::machine::Ran;

/// With a mirror, S3 and email at `endpoint`, each given up after `patience`.
fn night(endpoint: &str, patience: &str) -> Night {
    let mut night = Night::new();
    night.email_to(endpoint);
    night
        .email
        .push_str(&format!("  give-up-after: {patience}\n"));
    let profile = &mut night.machine.profile;
    profile.store = None;
    profile.mirror.push_str(&format!(
        "\n  s3: {{bucket: aam-cut, region: us-east-1, endpoint: '{endpoint}', give-up-after: {patience}, \
         credentials: {{access-key-id: {{command: [echo, AKIDEXAMPLE]}}, secret-access-key: {{command: [echo, wJalrXUtnFEMI]}}}}}}\n"
    ));
    night.more = format!(
        "archive: {{encryption-key: {{env: AAM_TEST_KEY}}, work-directory: '{}'}}\n",
        profile.work.display()
    );
    night.prepare();
    night
}

/// Runs, cut off, and looks at everything that must be said. `why` is said of the store.
fn ends_well(night: &Night, mut command: Command, within: Duration, why: &str) {
    let started = Instant::now();
    let ran = Ran::of(command.output().unwrap());
    let took = started.elapsed();
    eprintln!("{took:?}\n{ran}");
    assert!(took < within, "{took:?}\n{ran}");
    let mirror = night.machine.path("mirror");
    ran.exit(1)
        .says("FAILURE, ")
        .says(&format!(
            "Destination: mirror {}: has all of this backup",
            mirror.display()
        ))
        .says("Destination: s3://aam-cut: does NOT have all of this backup")
        .says(why);
    let files = ["docs/a.txt", "docs/b.txt", "pics/p.jpg"].map(str::to_owned);
    assert_eq!(night.machine.mirrored(), files.into(), "{ran}");
    let log = night.log();
    for line in [
        "entries of the mirror checked, 0 differ, 0 could not be read",
        "error: nothing is archived to s3://aam-cut: ",
        why,
        "warning: the email report was not sent: ",
        "SES in us-east-1 was not reached",
    ] {
        assert!(log.contains(line), "not in the log: {line}\n{log}");
    }
    assert_eq!(night.machine.left_over(), Vec::<std::path::PathBuf>::new());
}

fn run(night: &Night) -> Command {
    let profile = night.machine.path("profile.yaml");
    night
        .machine
        .command(&["run", profile.to_str().unwrap(), "--unattended"])
}

/// Both are given up in time, whatever is the matter; the rest is for a slow computer.
const DOCUMENTED: Duration = Duration::from_secs(2 * 100 + 60);

#[test]
fn connection_refused() {
    let closed = ClosedPort::new();
    let night = night(&closed.endpoint(), "100s");
    ends_well(&night, run(&night), DOCUMENTED, "onnection refused");
}

#[test]
fn name_not_known() {
    let night = night("https://backup.invalid", "100s");
    ends_well(&night, run(&night), DOCUMENTED, "backup.invalid");
}

#[test]
fn certificate_not_trusted() {
    let server = Https::start();
    let night = night(&server.address(), "100s");
    ends_well(
        &night,
        run(&night),
        DOCUMENTED,
        "invalid peer certificate: ",
    );
}

#[test]
fn no_route() {
    let night = night("http://192.0.2.1:9000", "100s");
    // In a network of its own the program has no route to anywhere. Where that may not be made, an
    // address of nobody (RFC 5737) has to do.
    let ways: [&[&str]; 2] = [&["-n"], &["-rn"]];
    let may = |way: &&&[&str]| {
        let tried = Command::new("unshare")
            .args(**way)
            .arg("true")
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    let plain = run(&night);
    match ways.iter().find(may) {
        None => ends_well(&night, plain, DOCUMENTED, "192.0.2.1"),
        Some(way) => {
            let mut command = Command::new("unshare");
            command
                .args(*way)
                .arg(plain.get_program())
                .args(plain.get_args());
            command.env_clear().envs(
                plain
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            command.current_dir("/").stdin(Stdio::null());
            ends_well(&night, command, DOCUMENTED, "etwork is unreachable");
        }
    }
}

/// The kernel accepts the connections, nobody answers. The time is that of the profile: a hundred
/// seconds each would be no other test.
#[test]
fn a_server_that_keeps_silent() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let night = night(&format!("http://{}", listener.local_addr().unwrap()), "4s");
    ends_well(
        &night,
        run(&night),
        Duration::from_secs(60),
        "timeout (all attempts including retries) occurred after 4s",
    );
}

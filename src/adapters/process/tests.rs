//! How programs end, with real ones.

use super::*;
use crate::adapters::credential;
use crate::model::policy::Reference;

/// Leaves a process behind that holds its output, and ends.
fn leaves_a_helper() -> Invocation {
    let mut call = Invocation::new("sh").args(["-c", "echo first; echo second; sleep 60 & exit 7"]);
    call.limit = Some(Duration::from_secs(20));
    call
}

#[test]
fn a_program_has_ended_though_what_it_left_behind_has_not() {
    let mut said = Vec::new();
    let ended = leaves_a_helper().run(None, &Cancel::new(), &mut |line| {
        said.push(line.to_owned());
    });
    assert_eq!(ended.unwrap(), 7);
    assert_eq!(said, ["first", "second"]);
}

#[test]
fn a_secret_is_taken_though_what_its_program_left_behind_holds_the_output() {
    let (code, secret) = leaves_a_helper().secret_output(&Cancel::new()).unwrap();
    assert_eq!(code, 7);
    assert_eq!(*secret, b"first\nsecond\n");
}

/// A program that goes on after it has closed its output is waited for all the same.
#[test]
fn a_program_without_output_is_waited_for_and_can_be_interrupted() {
    let quiet = |seconds: &str| {
        Invocation::new("sh").args(["-c", &format!("exec >&- 2>&-; sleep {seconds}; exit 3")])
    };
    let ended = quiet("0.3").run(None, &Cancel::new(), &mut |_| {});
    assert_eq!(ended.unwrap(), 3);
    let cancel = Cancel::new();
    cancel.set();
    let ended = quiet("60").run(None, &cancel, &mut |_| {});
    assert!(matches!(ended, Err(ToolError::Interrupted)));
    let ended = quiet("60").secret_output(&cancel);
    assert!(matches!(ended, Err(ToolError::Interrupted)));
}

#[test]
fn variables_that_hold_secrets_are_not_passed_on() {
    // Cargo sets both for every test.
    let (secret, other) = ("CARGO_PKG_HOMEPAGE", "CARGO_PKG_VERSION");
    assert!(std::env::var_os(secret).is_some());
    credential::withhold_from_programs([&Reference::Env(secret.to_owned())]);
    let mut said = Vec::new();
    let ended = Invocation::new("env").run(None, &Cancel::new(), &mut |line| {
        said.push(line.to_owned());
    });
    assert_eq!(ended.unwrap(), 0);
    let has = |name: &str| said.iter().any(|l| l.starts_with(&format!("{name}=")));
    assert!(has(other) && !has(secret), "{said:?}");
}

#[test]
fn the_end_of_another_process_is_waited_for() {
    let mut other = Command::new("sleep").arg("0.3").spawn().unwrap();
    let number = other.id();
    let reaped = std::thread::spawn(move || other.wait());
    wait_for_end(number);
    assert!(reaped.join().unwrap().is_ok());
    wait_for_end(u32::MAX);
}

/// What a script started is stopped with it, also if it waits for a pipe and ignores the request.
#[test]
fn what_a_stopped_script_started_does_not_outlive_it() {
    let place = tempfile::tempdir().unwrap();
    let (pipe, number) = (place.path().join("pipe"), place.path().join("number"));
    let text = format!(
        "mkfifo {pipe}; sh -c 'trap \"\" TERM; echo $$ >{number}; read x <{pipe}'; exit 0",
        pipe = pipe.display(),
        number = number.display()
    );
    let (call, cancel) = (Invocation::new("sh").args(["-c", &text]), Cancel::new());
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| call.run(None, &cancel, &mut |_| {}));
        let has_begun = || std::fs::read_to_string(&number).is_ok_and(|text| text.ends_with('\n'));
        while !has_begun() && !ended.is_finished() {
            std::thread::sleep(Duration::from_millis(10));
        }
        cancel.set();
        ended.join().unwrap()
    });
    assert!(matches!(ended, Err(ToolError::Interrupted)), "{ended:?}");
    let number = std::fs::read_to_string(number).unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", number.trim()));
    // A process that was killed may not be waited for by its new parent yet.
    let lives = || state().is_ok_and(|stat| !stat.contains(") Z "));
    for _ in 0..600 {
        if !lives() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it lives: {:?}", state());
}

/// What the pipe still holds when the program has ended counts, however late it is taken.
#[test]
fn output_that_is_taken_slowly_is_whole() {
    let text = "echo said >&2; for i in 1 2 3; do head -c 10000 /dev/zero; sleep 0.05; done";
    let call = Invocation::new("sh").args(["-c", text]);
    let (mut bytes, mut pieces, mut said) = (0, 0, Vec::new());
    let mut take = |piece: &[u8]| {
        pieces += 1;
        match pieces {
            // It ends meanwhile.
            1 => std::thread::sleep(Duration::from_millis(500)),
            2 => std::thread::sleep(super::SETTLE_AT_MOST + Duration::from_secs(1)),
            _ => {}
        }
        bytes += piece.len();
    };
    let mut line = |line: &str| said.push(line.to_owned());
    let code = call.run_for_output(None, &Cancel::new(), &mut take, &mut line);
    let ended = (code.ok(), bytes, said);
    assert_eq!(ended, (Some(0), 30_000, vec!["said".to_owned()]));
}

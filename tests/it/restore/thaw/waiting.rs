//! Long waits, missing rights, and parts of a state.

use super::*;

/// The volumes were readable once; ordering them again costs again, and is asked again.
#[test]
fn what_is_archived_again_is_asked_again() {
    let cold = cold();
    let target = cold.pc.target();
    step(RestoreStep::Request)
        .restore(&cold.pc, &options(), &target)
        .ok();
    for object in cold
        .pc
        .store
        .list("pc_")
        .unwrap()
        .iter()
        .filter(|o| o.key.contains("_no_"))
    {
        let bytes = wait_for("it is readable", || {
            cold.pc.store.read(&object.key, 1 << 20).ok()
        });
        let headers = [("x-amz-storage-class", "DEEP_ARCHIVE")];
        slow().request(
            "PUT",
            &format!("/{}/{}", cold.bucket, object.key),
            &headers,
            &bytes,
        );
    }
    let done = How::default().restore(&cold.pc, &options(), &target);
    assert!(
        matches!(done.result, Err(RestoreError::NotAgreed { .. })),
        "{:?}",
        done.result
    );
    assert_eq!(cold.requests(), cold.volumes());
    assert_eq!(
        yes().restore(&cold.pc, &options(), &target).outcome,
        Outcome::Success
    );
}

/// Throttling, no network for a while, and days that are over before the download.
#[test]
fn a_long_wait_is_not_ended_by_little_things() {
    struct Trouble<'a> {
        cold: &'a Cold,
        day: AtomicUsize,
    }
    impl Clock for Trouble<'_> {
        fn wait(&self, _: Duration, _: &dyn Fn() -> bool) {
            match self.day.fetch_add(1, Ordering::Relaxed) {
                0 => self.cold.proxy.spoil(
                    "HEAD",
                    "_no_",
                    3,
                    Fault::Reply(503, Vec::new(), String::new()),
                ),
                1 => {
                    let key = format!(
                        "/{}/pc_{FULL}_0_0.0_no_-srv-data-.zip.001",
                        self.cold.bucket
                    );
                    let bytes = self.cold.pc.scratch.path().join("ice");
                    let headers = [("x-amz-storage-class", "DEEP_ARCHIVE")];
                    let body = fs::read(bytes).unwrap();
                    assert_eq!(slow().request("PUT", &key, &headers, &body).status, 200);
                }
                _ => {}
            }
        }
    }
    let cold = cold();
    let key = format!("pc_{FULL}_0_0.0_no_-srv-data-.zip.001");
    cold.pc
        .store
        .thaw(&key, 1, aam_auto_backup::parts::Tier::Bulk)
        .unwrap();
    let ice = cold.pc.scratch.path().join("ice");
    wait_until("it is readable", || {
        let store = &cold.pc.store;
        store.get(&key, &ice, &Cancel::new(), &|_| {}).is_ok()
    });
    let body = fs::read(ice).unwrap();
    let headers = [("x-amz-storage-class", "DEEP_ARCHIVE")];
    slow().request("PUT", &format!("/{}/{key}", cold.bucket), &headers, &body);
    cold.proxy.spoil(
        "POST",
        "restore",
        2,
        Fault::s3(503, "SlowDown", "Please reduce your request rate"),
    );
    let clock = Trouble {
        cold: &cold,
        day: AtomicUsize::new(0),
    };
    let done = How {
        clock: &clock,
        ..yes()
    }
    .restore(&cold.pc, &options(), &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(done.text().contains("is archived again"), "{}", done.text());
}

#[test]
fn no_right_to_restore_is_said() {
    let cold = cold();
    cold.proxy.spoil(
        "POST",
        "restore",
        99,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    let error = yes()
        .restore(&cold.pc, &options(), &cold.pc.target())
        .error();
    assert!(
        error.contains("requesting pc_") && error.contains("no right to do this"),
        "{error}"
    );
    cold.proxy.heal();
    // Consent was given: the next start does not ask.
    let done = How::default().restore(&cold.pc, &options(), &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
}

#[test]
fn a_part_requests_only_what_holds_it() {
    let cold = cold();
    let options = aam_auto_backup::parts::RestoreOptions {
        only: vec!["/home/allen/docs/a.txt".into()],
        ..options()
    };
    let done = yes().restore(&cold.pc, &options, &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    let inc = cold
        .pc
        .store
        .list("pc_")
        .unwrap()
        .iter()
        .filter(|o| o.key.contains(&format!("_{INC1}_no_")))
        .count();
    assert_eq!(cold.requests(), inc);
    assert!(Path::new(&cold.pc.target()).join("1/docs/a.txt").exists());
}

//! No memory of this program or of its tools is written to a disk when one of them crashes: it
//! holds keys.

/// From now on neither this program nor what it starts leaves a core dump, and no other program of
/// the same account reads its memory.
#[cfg(unix)]
pub fn forbid() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // What the system refuses here leaves everything as it was.
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Windows keeps dumps where the administrator asked for them.
#[cfg(not(unix))]
pub fn forbid() {}

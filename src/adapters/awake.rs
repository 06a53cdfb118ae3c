//! A computer that does not fall asleep while a run goes on (SPEC#schedule).

#[cfg(unix)]
pub use unix::Awake;
#[cfg(windows)]
pub use windows::Awake;

#[cfg(unix)]
mod unix {
    use std::io::{Read, Write};
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc;
    use std::time::Duration;

    use crate::adapters::process::locate;

    /// How long the helper may take. It asks a service of the system, which may have to start.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A helper that keeps the computer awake until its standard input ends, which it does with
    /// this process too, however that ends.
    #[derive(Debug)]
    pub struct Awake(Child);

    impl Awake {
        /// Begins. `profile` is shown to whoever asks why the computer does not sleep.
        ///
        /// # Errors
        /// Why it cannot be done.
        pub fn begin(profile: &str) -> Result<Awake, String> {
            let (program, arguments) = match cfg!(target_os = "macos") {
                true => ("caffeinate", vec!["-i".to_owned()]),
                false => {
                    let options = ["--what=idle:sleep", "--mode=block", "--who=aam-backup"];
                    let mut options = options.map(str::to_owned).to_vec();
                    options.push(format!("--why=backup of {profile}"));
                    ("systemd-inhibit", options)
                }
            };
            let path = locate(Some(program), &[], "").map_err(|error| error.to_string())?;
            let child = Command::new(path)
                .args(arguments)
                .arg("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let mut child = child.map_err(|why| format!("'{program}': {why}"))?;
            match answers(&mut child) {
                true => Ok(Awake(child)),
                false => {
                    // It has ended, or it hangs.
                    let _ = child.kill();
                    let ended = child.wait().map_err(|why| format!("'{program}': {why}"))?;
                    Err(format!("'{program}' refused ({ended})"))
                }
            }
        }
    }

    /// Whether `cat` says back what it is told: the helper starts it when it has its lock.
    fn answers(child: &mut Child) -> bool {
        let (Some(input), Some(mut output)) = (&mut child.stdin, child.stdout.take()) else {
            return false;
        };
        let (to, answer) = mpsc::channel();
        let read = move || to.send(output.read_exact(&mut [0]).is_ok());
        let reader = std::thread::Builder::new().spawn(read);
        reader.is_ok()
            && input.write_all(b"\n").is_ok()
            && answer.recv_timeout(PATIENCE) == Ok(true)
    }

    impl Drop for Awake {
        fn drop(&mut self) {
            drop(self.0.stdin.take());
            // It has nothing left to do; a run does not fail for it.
            let _ = self.0.wait();
        }
    }
}

#[cfg(windows)]
mod windows {
    use crate::adapters::windows::stay_awake;

    /// Keeps Windows awake while it lives.
    #[derive(Debug)]
    pub struct Awake(());

    impl Awake {
        /// Begins.
        ///
        /// # Errors
        /// When Windows refuses.
        pub fn begin(_profile: &str) -> Result<Awake, String> {
            match stay_awake(true) {
                true => Ok(Awake(())),
                false => Err("Windows refused".to_owned()),
            }
        }
    }

    impl Drop for Awake {
        fn drop(&mut self) {
            stay_awake(false);
        }
    }
}

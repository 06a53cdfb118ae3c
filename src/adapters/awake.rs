//! A computer that does not fall asleep while a run goes on (SPEC#schedule).

#[cfg(unix)]
pub use unix::Awake;
#[cfg(windows)]
pub use windows::Awake;

#[cfg(unix)]
mod unix {
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use crate::adapters::process::locate;
    use crate::adapters::wait::wait;
    use crate::model::cancel::Cancel;

    /// How long the helper is given to refuse.
    const REFUSAL: Duration = Duration::from_millis(300);

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
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let mut awake = Awake(child.map_err(|why| format!("'{program}': {why}"))?);
            wait(REFUSAL, &Cancel::new());
            match awake.0.try_wait() {
                Ok(Some(status)) => Err(format!("'{program}' refused ({status})")),
                _ => Ok(awake),
            }
        }
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

//! The profile, full disks, and tools that can be held.

use super::*;

impl World {
    /// The clock stays what it is: what tells another time would meet the faults too.
    pub fn without_clock(mut self) -> World {
        self.clock = 0;
        self.faketime = None;
        self
    }

    pub(super) fn write_profile(&mut self) {
        let sources = self.sources();
        let mirror = self.machine.path("mirror");
        let (store, work) = (self.machine.path("store"), self.machine.path("work"));
        let (few, extra) = (self.may_delete(), ["keep", "delete", "delete"][self.extra]);
        let out = &self.exclusions;
        let text = |path: &Path| self.machine.profile.said(path);
        let named = |on: bool, name: &str| on.then(|| name.to_owned());
        let full = |path: &Option<PathBuf>| path.as_deref().map(text);
        let directories = [named(out.cache, "cache"), full(&out.directory)];
        let files = [named(out.tmp, "*.tmp"), full(&out.file)];
        let (mirror, work) = (text(&mirror), text(&work));
        let profile = &mut self.machine.profile;
        profile.sources = sources.into_iter().map(|path| (path, false)).collect();
        profile.exclude_directories = directories.into_iter().flatten().collect();
        profile.exclude_files = files.into_iter().flatten().collect();
        profile.mirror = if self.mirror {
            format!("{{path: '{mirror}', extra-files: {extra}, max-delete: {few}}}")
        } else {
            String::new()
        };
        profile.format = if self.format_7z { "7z" } else { "zip" };
        profile.volume_size = if self.small_volumes {
            65536
        } else {
            10_000_000
        };
        profile.force_full = Some(["never", "when-profile-changes", "always"][self.force_full]);
        profile.more = "lock: {retry-every: 1s, give-up-after: 100s}\n".to_owned();
        profile.store = self.directory.then_some(store);
        if !self.directory {
            profile.more.push_str(&format!(
                "archive: {{encryption-key: {{env: AAM_TEST_KEY}}, format: {}, compression-level: 1, volume-size: {}, \
                 work-directory: '{work}'}}\n",
                profile.format, profile.volume_size
            ));
        }
        if let (Some(_), false) = (&self.proxy, profile.more_destinations.contains("give-up")) {
            let short = profile
                .more_destinations
                .replace('}', ", give-up-after: 3s}");
            profile.more_destinations = short;
        }
    }

    /// Leaves this many KiB on a disk, if it is one of its own. The file that fills it.
    pub fn fill(&self, disk: usize, leave: usize) -> Option<PathBuf> {
        if self.disks.len() < 3 {
            return None;
        }
        let path = self.machine.path(["mirror", "store", "work"][disk % 3]);
        let free = rustix::fs::statvfs(&path).unwrap();
        let size = (free.f_bavail * free.f_frsize).saturating_sub(leave as u64 * 1024);
        let filler = path.join("filler");
        fs::write(&filler, vec![1; usize::try_from(size).unwrap()]).unwrap();
        Some(filler)
    }

    /// What tools do at the n-th start from now: say so, and wait.
    pub fn hold_at_tool(&mut self, n: usize) {
        self.forget_holds();
        if self.machine.is_windows() {
            // 7-Zip cannot be held there: at the first start of Robocopy, whichever it is.
            let place = self.machine.path("tools");
            fs::create_dir_all(&place).unwrap();
            self.held_at = Some(place);
            return;
        }
        fs::write(self.machine.path("tools/hold"), n.to_string()).unwrap();
    }

    pub fn forget_holds(&mut self) {
        self.held_at = None;
        for name in ["hold", "count", "held", "go"] {
            let _ = fs::remove_file(self.machine.path("tools").join(name));
        }
    }

    pub fn is_held(&self) -> bool {
        self.machine.path("tools/held").exists()
    }

    pub fn let_go(&self) {
        fs::write(self.machine.path("tools/go"), "").unwrap();
    }
}

/// 7-Zip and rsync count how often they are started, and can be held there.
pub(super) fn wrap_tools(machine: &mut Machine) {
    let place = machine.path("tools");
    fs::create_dir(&place).unwrap();
    let hook = format!(
        "cd '{}' || exit 99\nif [ -e hold ]; then\n  read n <hold\n  echo >>count\n  \
         if [ \"$(wc -l <count)\" -eq \"$n\" ]; then\n    : >held\n    \
         while [ -e hold ] && [ ! -e go ]; do sleep 0.01; done\n  fi\nfi\ncd \"$OLDPWD\" || exit 99",
        place.display()
    );
    machine.hook_seven_zip(&hook);
    machine.hook_rsync(&hook);
}

/// The library that tells programs another time.
pub(super) fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let library = found.find(|path| path.exists());
    if library.is_none() {
        println!("no libfaketime here: the clock of these histories never moves");
    }
    library
}

//! Users and groups: their names, and the numbers that this computer has for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use uzers::{get_group_by_gid, get_group_by_name, get_user_by_name, get_user_by_uid};

use crate::model::manifest::details::Owner;

/// By the numbers of user and group.
#[cfg(unix)]
type KnownOwners = HashMap<(u32, u32), Arc<Owner>>;

/// Owners that were looked up, by their numbers: there are few, and many files of each. A name
/// that changes meanwhile is seen by the next run.
#[cfg(unix)]
static KNOWN: Mutex<Option<KnownOwners>> = Mutex::new(None);

/// The owner with these numbers, and with names where the system knows them.
#[cfg(unix)]
pub fn owner(uid: u32, gid: u32) -> Arc<Owner> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    let owner = known.entry((uid, gid)).or_insert_with(|| {
        let text = |name: &std::ffi::OsStr| name.to_str().map(str::to_owned);
        Arc::new(Owner {
            uid,
            gid,
            user: get_user_by_uid(uid).and_then(|user| text(user.name())),
            group: get_group_by_gid(gid).and_then(|group| text(group.name())),
        })
    });
    Arc::clone(owner)
}

/// Turns owners of a backup into those that have the same names on this computer.
#[derive(Debug, Default)]
pub struct Owners {
    known: HashMap<Owner, Arc<Owner>>,
    /// What has another number here.
    renumbered: BTreeSet<String>,
}

impl Owners {
    /// The owner with the numbers that this computer has for its names. Without such a name, the
    /// numbers stay. So does root, and nobody becomes root by a name.
    pub fn here(&mut self, owner: &Arc<Owner>) -> Arc<Owner> {
        if let Some(known) = self.known.get(owner.as_ref()) {
            return Arc::clone(known);
        }
        let here = Arc::new(Owner {
            uid: self.number("user", owner.user.as_deref(), owner.uid, user_number),
            gid: self.number("group", owner.group.as_deref(), owner.gid, group_number),
            ..Owner::clone(owner)
        });
        self.known.insert(Owner::clone(owner), Arc::clone(&here));
        here
    }

    fn number(
        &mut self,
        what: &str,
        name: Option<&str>,
        there: u32,
        look_up: fn(&str) -> Option<u32>,
    ) -> u32 {
        let found = name.and_then(|name| Some((name, look_up(name)?)));
        let Some((name, here)) = found.filter(|(_, here)| *here != there) else {
            return there;
        };
        if there == 0 || here == 0 {
            return there;
        }
        self.renumbered
            .insert(format!("{what} {name} is {here} here, and was {there}"));
        here
    }

    /// Which users and groups have another number here than in the backup.
    pub fn renumbered(&self) -> impl Iterator<Item = &str> {
        self.renumbered.iter().map(String::as_str)
    }
}

#[cfg(unix)]
fn user_number(name: &str) -> Option<u32> {
    get_user_by_name(name).map(|user| user.uid())
}

#[cfg(unix)]
fn group_number(name: &str) -> Option<u32> {
    get_group_by_name(name).map(|group| group.gid())
}

/// Windows has no such numbers.
#[cfg(not(unix))]
fn user_number(_: &str) -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn group_number(_: &str) -> Option<u32> {
    None
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn named(uid: u32, user: &str, gid: u32, group: &str) -> Arc<Owner> {
        Arc::new(Owner {
            uid,
            gid,
            user: Some(user.to_owned()),
            group: Some(group.to_owned()),
        })
    }

    #[test]
    fn names_decide_where_they_exist() {
        // Every system has both, with these numbers or others.
        let mut owners = Owners::default();
        let numbers = |owner: Arc<Owner>| (owner.uid, owner.gid);
        let there = named(54321, "daemon", 54322, "daemon");
        let expected = (
            user_number("daemon").unwrap(),
            group_number("daemon").unwrap(),
        );
        assert_eq!(numbers(owners.here(&there)), expected);
        assert_eq!(numbers(owners.here(&there)), expected);
        assert_eq!(owners.renumbered().count(), 2);
        for (there, expected) in [
            (
                named(54321, "no such user", 54322, "no such group"),
                (54321, 54322),
            ),
            // Nobody becomes root by a name, and root nobody else.
            (named(54321, "root", 54322, "root"), (54321, 54322)),
            (named(0, "daemon", 0, "daemon"), (0, 0)),
        ] {
            assert_eq!(numbers(owners.here(&there)), expected, "{there:?}");
        }
        assert_eq!(owners.renumbered().count(), 2);
    }

    #[test]
    fn numbers_have_names() {
        let root = owner(0, 0);
        assert_eq!((root.uid, root.user.as_deref()), (0, Some("root")));
        let nobody = owner(3_999_999_999, 3_999_999_999);
        assert_eq!(
            (nobody.user.as_deref(), nobody.group.as_deref()),
            (None, None)
        );
    }
}

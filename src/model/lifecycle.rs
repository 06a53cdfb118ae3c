//! Lifecycle rules of a bucket, and when they delete an object. Pure.

use chrono::{DateTime, Days, NaiveTime, Utc};

use super::catalog::Set;
use super::object::Object;
use super::stamp::Zone;

/// What a bucket's lifecycle does to some of its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Keys that it is for begin so; empty means all.
    pub prefix: String,
    /// It is for objects with more bytes only.
    pub larger_than: Option<u64>,
    /// It is for objects with fewer bytes only.
    pub smaller_than: Option<u64>,
    /// Days after which an object is deleted.
    pub expires_after: Option<u32>,
    /// The day on which all objects are deleted.
    pub expires_on: Option<DateTime<Utc>>,
    /// Days after which an unfinished upload is removed.
    pub aborts_uploads_after: Option<u32>,
}

impl LifecycleRule {
    fn is_for(&self, object: &Object) -> bool {
        object.key.starts_with(&self.prefix)
            && self.larger_than.is_none_or(|limit| object.size > limit)
            && self.smaller_than.is_none_or(|limit| object.size < limit)
    }

    /// When it deletes an object that was made then. S3 deletes at the midnight, in UTC, that
    /// follows the last of the days.
    fn expires(&self, made: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = |days: u32| {
            let day = made.date_naive();
            let next = day.checked_add_days(Days::new(u64::from(days) + 1))?;
            Some(next.and_time(NaiveTime::MIN).and_utc())
        };
        self.expires_after.and_then(days).or(self.expires_on)
    }
}

/// What is known of the lifecycle of a store's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// A store that deletes nothing by itself.
    None,
    Rules(Vec<LifecycleRule>),
    /// Why the rules are not known.
    Unknown(String),
}

impl Lifecycle {
    /// When a set loses its first object, and so cannot be restored any more. Its full backup is
    /// the oldest. A store says of no object when it was made: it was not before the stamp.
    pub fn expiry(&self, set: &Set, zone: Zone) -> Option<DateTime<Utc>> {
        let (Lifecycle::Rules(rules), Some(full)) = (self, &set.full) else {
            return None;
        };
        first_expiry(rules, full.objects(), set.stamp.moment(zone))
    }
}

/// When the first of some objects that were made then is deleted. `None`: never.
pub fn first_expiry<'o>(
    rules: &[LifecycleRule],
    objects: impl Iterator<Item = &'o Object>,
    made: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let of_object = |object: &Object| {
        let ours = rules.iter().filter(|rule| rule.is_for(object));
        ours.filter_map(|rule| rule.expires(made)).min()
    };
    objects.filter_map(of_object).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_object_that_expires_decides() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let made = at("2026-01-31T23:59:59Z");
        let rule = |prefix: &str, days| LifecycleRule {
            prefix: prefix.to_owned(),
            expires_after: days,
            ..LifecycleRule::default()
        };
        let large = LifecycleRule {
            larger_than: Some(10),
            ..rule("", Some(2))
        };
        let fixed = LifecycleRule {
            expires_on: Some(at("2026-06-01T00:00:00Z")),
            smaller_than: Some(10),
            ..LifecycleRule::default()
        };
        let object = |key: &str, size| Object {
            key: key.to_owned(),
            size,
        };
        let objects = [object("pc_1", 10), object("pc_2", 9)];
        for (rules, expected) in [
            (vec![], None),
            (vec![rule("other_", Some(1)), rule("pc_", None)], None),
            (vec![rule("", Some(1))], Some("2026-02-02T00:00:00Z")),
            (vec![rule("pc_", Some(181))], Some("2026-08-01T00:00:00Z")),
            (
                vec![rule("", Some(9)), rule("pc_2", Some(3))],
                Some("2026-02-04T00:00:00Z"),
            ),
            (
                vec![large.clone(), rule("", Some(9))],
                Some("2026-02-10T00:00:00Z"),
            ),
            (vec![fixed.clone()], Some("2026-06-01T00:00:00Z")),
        ] {
            let found = first_expiry(&rules, objects.iter(), made);
            assert_eq!(found, expected.map(at), "{rules:?}");
        }
        let large_object = [object("pc_1", 11)];
        let found = first_expiry(&[large, fixed], large_object.iter(), made);
        assert_eq!(found, Some(at("2026-02-03T00:00:00Z")));
    }
}

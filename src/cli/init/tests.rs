//! Keys that `init` makes.

use super::*;

#[test]
fn new_keys_are_long_and_each_is_another() {
    let (one, two) = (new_key().unwrap(), new_key().unwrap());
    assert_ne!(one.expose(), two.expose());
    assert_eq!(one.expose().len(), 49);
    assert!(profile::check::check_key(crate::model::name::Format::Zip, &one).is_ok());
}

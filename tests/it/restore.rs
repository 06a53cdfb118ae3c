//! Restore and `sets`, from stores made by real 7-Zip.

mod basics;
mod kit;

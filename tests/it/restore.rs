//! Restore and `sets`, from stores made by real 7-Zip.

mod basics;
mod command;
mod damage;
mod from_s3;
mod hostile;
mod killed;
mod kit;
mod old_formats;
mod only;
mod overlap;
mod room;
mod slices;
mod thaw;
mod written_before;

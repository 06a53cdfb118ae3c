//! What an upload or a restore takes in time and money.

pub mod forecast;
pub mod price;
pub mod requests;
pub mod work_space;

//! Keeps a file open so that nobody else can read it, says `held`, and ends with its input.

use std::io::Read;
use std::path::Path;

fn main() {
    let file = std::env::args_os().nth(1).expect("a file");
    let _file = standins::system::open_alone(Path::new(&file)).expect("the file opens");
    println!("held");
    // However it ends.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

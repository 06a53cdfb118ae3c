//! The stand-in `shadowspawn.exe`.

fn main() {
    std::process::exit(standins::shadowspawn::run(&standins::system::command_line()));
}

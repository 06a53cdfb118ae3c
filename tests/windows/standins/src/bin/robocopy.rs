//! The stand-in `robocopy.exe`.

fn main() {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    std::process::exit(standins::robocopy::run(&arguments));
}

//! The stand-in `robocopy.exe`.

/// The longest line that cmd of Windows takes.
const CMD_LINE: usize = 8191;

fn main() {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    // What a tool sees of the secrets of a run.
    if let Some(file) = std::env::var_os("AAM_STANDIN_ENVIRONMENT") {
        let variables: String = std::env::vars_os()
            .map(|(name, value)| {
                format!("{}={}\n", name.to_string_lossy(), value.to_string_lossy())
            })
            .collect();
        std::fs::write(file, variables).expect("the environment can be written");
    }
    // Wine's cmd takes longer lines than that of Windows.
    let length = standins::system::command_line().encode_utf16().count();
    if length > CMD_LINE {
        println!("stand-in for Robocopy: cmd does not take a line of {length} characters");
        std::process::exit(1);
    }
    std::process::exit(standins::robocopy::run(&arguments));
}

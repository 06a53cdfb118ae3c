//! The code pages of the console. Batch files set UTF-8, and a window that the user goes on with would
//! keep it.

use windows_sys::Win32::System::Console::{
    GetConsoleCP, GetConsoleOutputCP, SetConsoleCP, SetConsoleOutputCP,
};

/// The code pages as they were, set again when this is dropped.
#[derive(Debug)]
pub struct CodePages {
    input: u32,
    output: u32,
}

impl CodePages {
    /// Those of now; 0 without a console.
    #[allow(unsafe_code)]
    pub fn now() -> CodePages {
        // SAFETY: both take nothing and return a number.
        unsafe {
            CodePages {
                input: GetConsoleCP(),
                output: GetConsoleOutputCP(),
            }
        }
    }
}

impl Drop for CodePages {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: both take a number. Without a console there is nothing to set, and they fail.
        unsafe {
            SetConsoleCP(self.input);
            SetConsoleOutputCP(self.output);
        }
    }
}

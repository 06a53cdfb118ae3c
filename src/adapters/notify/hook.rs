//! Hooks: programs of the user's own, run without a shell (SPEC#notifications).

use crate::adapters::process::{Invocation, ToolError, locate};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, HOOK};
use crate::model::job::Program;
use crate::model::secret::Secret;

/// The exit code by which `before` says "not today" (`EX_TEMPFAIL`).
pub const NOT_TODAY: i32 = 75;

/// The variable of a hook's environment that tells `name`: `outcome` is `AAM_BACKUP_OUTCOME`.
fn environment(name: &str) -> String {
    format!("AAM_BACKUP_{}", name.to_uppercase().replace('-', "_"))
}

/// Runs the hook `name` to its end; what it prints is reported as events. `about` are names and
/// values for its environment.
///
/// # Errors
/// When it cannot be found, started, is interrupted, or did not end in time: then it and its
/// children are stopped.
pub fn run_hook(
    name: &str,
    hook: &Program,
    about: &[(&str, String)],
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<i32, ToolError> {
    let program = locate(Some(&hook.program), &[], "give its full path")?;
    let mut invocation = Invocation::new(&program).args(&hook.args);
    invocation.limit = Some(hook.give_up_after);
    let about = [("hook", name.to_owned())]
        .into_iter()
        .chain(about.iter().cloned());
    invocation
        .environment
        .extend(about.map(|(name, value)| (environment(name).into(), Secret::new(value))));
    let tool = format!("{HOOK}{name}");
    // Its arguments are the user's own business.
    events.emit(Event::ToolStarted {
        tool: tool.clone(),
        command: format!("{tool}: {}", program.display()),
    });
    let code = invocation.run(None, cancel, &mut |line| {
        events.emit(Event::ToolOutput {
            tool: tool.clone(),
            line: line.to_owned(),
        });
    })?;
    events.emit(Event::ToolEnded {
        tool,
        code,
        meaning: "ended".to_owned(),
    });
    Ok(code)
}

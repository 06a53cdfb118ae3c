//! Programs whose standard output is content, or whose standard input is.

use std::fs::File;
use std::process::Stdio;

use zeroize::Zeroizing;

use super::output::{self, Printed};
use super::tree::Tree;
use super::{Invocation, Started, ToolError};
use crate::model::cancel::Cancel;
use crate::model::secret::Secret;

impl Invocation {
    /// As [`run`](Self::run), with `input` as its standard input.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_on(
        &self,
        input: impl Into<Stdio>,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<i32, ToolError> {
        let started = self.start_on(input)?;
        self.follow_lines(started, cancel, line)
    }

    /// As [`run`](Self::run), but only standard error is read in lines. Standard output goes to
    /// `take` in pieces, to its end: also what is still in the pipe when the program has ended.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_for_output(
        &self,
        input: Option<&Secret>,
        cancel: &Cancel,
        take: &mut dyn FnMut(&[u8]),
        line: &mut dyn FnMut(&str),
    ) -> Result<i32, ToolError> {
        let mut started = self.start(input)?;
        started.is_read_to_the_end = true;
        let printed = output::both(&mut started.child, self.rewrites);
        let (started, printed) = self.reading(started, printed)?;
        self.follow(started, &printed, cancel, &mut |printed| match printed {
            Printed::Bytes(bytes) => take(&bytes),
            Printed::Line(text) => line(&text),
        })
    }

    /// Runs the program to its end and returns its exit code and the beginning of its standard
    /// output, at most [`output::MOST_BYTES`], which is not written anywhere. Its standard error is
    /// shown. It stays in the foreground of a terminal, because it may ask for a passphrase.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn secret_output(&self, cancel: &Cancel) -> Result<(i32, Zeroizing<Vec<u8>>), ToolError> {
        let started = self.command().spawn();
        let mut child = started.map_err(|why| self.not_started(why))?;
        let tree = Tree::alone();
        let pieces = output::bytes(&mut child, output::MOST_BYTES);
        let (started, pieces) = self.reading(Started::new(child, tree), pieces)?;
        let mut read = Zeroizing::new(Vec::new());
        let code = self.follow(started, &pieces, cancel, &mut |piece: Zeroizing<
            Vec<u8>,
        >| {
            read.extend_from_slice(&piece);
        })?;
        Ok((code, read))
    }

    /// Runs the program to its end and returns its exit code. Its standard output goes to `take` in
    /// pieces, its standard error to the file `errors`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn stream(
        &self,
        errors: File,
        cancel: &Cancel,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<i32, ToolError> {
        let mut command = self.command();
        command.stderr(errors);
        let (mut child, tree) = self.start_group(command)?;
        let pieces = output::bytes(&mut child, usize::MAX);
        let (started, pieces) = self.reading(Started::new(child, tree), pieces)?;
        let take = &mut |piece: Zeroizing<Vec<u8>>| take(&piece);
        self.follow(started, &pieces, cancel, take)
    }
}

//! Schedulers that are not to be had here, Task Scheduler and launchd: programs with their names that keep what they are
//! given in files, and answer as the real ones are documented to. They show that the right questions are asked and the
//! answers understood; only Windows and macOS themselves can show that the answers are like this.

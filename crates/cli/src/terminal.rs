//! Standard error and the keyboard: what people see and answer while a command runs.

use std::error::Error;
use std::io::{self, IsTerminal, Write};

use crate::failure::Failure;

/// One line for whoever watches.
pub(crate) fn tell(message: &str) {
    // Nobody watches where standard error is closed.
    let _ = writeln!(io::stderr(), "{message}");
}

/// Whether somebody is there to answer.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether standard error takes colours: a terminal, and nobody said NO_COLOR.
pub(crate) fn has_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !refused
}

/// Asks for a yes.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    write!(io::stderr(), "{question} [y/N] ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Asks for a password without showing it.
pub(crate) fn ask_password(question: &str) -> io::Result<String> {
    rpassword::prompt_password(question)
}

/// Tells an error with its causes.
pub(crate) fn tell_failure(failure: &Failure) {
    let label = if has_colours() { "\u{1b}[1;31merror:\u{1b}[0m" } else { "error:" };
    tell(&format!("{label} {}", causes(failure.error())));
}

/// An error with its causes, one line each.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let line = inner.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&line) {
            text = format!("{text}\n  because: {line}");
        }
        cause = inner.source();
    }
    text
}

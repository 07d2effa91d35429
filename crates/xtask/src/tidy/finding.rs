//! What a check says about a place.

use std::fmt;

/// Whether a finding stops the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Printed, does not fail.
    Warning,
    /// Fails `tidy`.
    Error,
}

/// One violation: where, what, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
    instead: String,
    /// Whether it fails.
    pub(crate) severity: Severity,
}

impl Finding {
    /// A finding that fails. Lines count from 1; a finding about a whole file stands on line 1.
    pub(crate) fn error(
        path: &str,
        line: usize,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            instead: instead.into(),
            severity: Severity::Error,
        }
    }

    /// The same finding, printed only.
    pub(crate) fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, what, instead, severity } = self;
        let word = match severity {
            Severity::Warning => "warning: ",
            Severity::Error => "",
        };
        write!(formatter, "{path}:{line}: {word}{what}, use {instead}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_place_then_fault_then_remedy() {
        let finding = Finding::error("a/b.rs", 3, "a tab", "four spaces");
        assert_eq!(finding.to_string(), "a/b.rs:3: a tab, use four spaces");
        assert_eq!(finding.into_warning().to_string(), "a/b.rs:3: warning: a tab, use four spaces");
    }
}

//! The progress bar, on standard error and only on a terminal.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tallystick_sdk::blob::{Carried, Report};

/// A bar over so many bytes, and the report that moves it.
pub(crate) fn bar(what: &'static str, bytes: u64) -> (ProgressBar, Report) {
    let bar = ProgressBar::new(bytes);
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(what);
    let moved = bar.clone();
    let report = Arc::new(move |carried| match carried {
        Carried::Bytes(bytes) | Carried::Skipped(bytes) => moved.inc(bytes),
    });
    (bar, report)
}

//! Shows a picture to whoever sits in front of this machine.

use std::path::Path;
use std::process::{Command, Stdio};

/// Opens a picture where somebody sees it, and says whether it tried. That it cannot be opened is
/// no error: it is a courtesy.
pub(crate) fn show(picture: &Path) -> bool {
    let variable = |name: &str| std::env::var(name).ok();
    let attended = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let Some(viewer) = viewer(std::env::consts::OS, variable, attended) else { return false };
    let mut command = Command::new(viewer);
    command.arg(picture).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

/// The program that opens pictures; nothing where nobody sees them: in a pipe, on a machine of the
/// continuous integration, over ssh, without a desktop.
fn viewer(
    system: &str,
    variable: impl Fn(&str) -> Option<String>,
    attended: bool,
) -> Option<&'static str> {
    let has = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    if !attended || ["CI", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].iter().any(has) {
        return None;
    }
    match system {
        "macos" => Some("open"),
        _ if ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(has) => Some("xdg-open"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_opened_only_where_somebody_sees_it() {
        let on = |system: &str, set: &[&str], attended| {
            let variable = |name: &str| set.contains(&name).then(|| "1".to_owned());
            viewer(system, variable, attended)
        };
        assert_eq!(on("linux", &["DISPLAY"], true), Some("xdg-open"));
        assert_eq!(on("linux", &["WAYLAND_DISPLAY"], true), Some("xdg-open"));
        assert_eq!(on("linux", &[], true), None);
        assert_eq!(on("linux", &["DISPLAY"], false), None);
        assert_eq!(on("macos", &[], true), Some("open"));
        assert_eq!(on("macos", &[], false), None);
        for absent in ["CI", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"] {
            assert_eq!(on("linux", &["DISPLAY", absent], true), None, "{absent}");
            assert_eq!(on("macos", &[absent], true), None, "{absent}");
        }
        let empty = |name: &str| (name == "DISPLAY").then(String::new);
        assert_eq!(viewer("linux", empty, true), None);
    }
}

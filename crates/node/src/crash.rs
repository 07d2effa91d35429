//! Deaths on purpose at points that have a name, in builds for tests.

/// Makes the points that the variable `FAILPOINTS` names act, such as `outbox.send.before=2*off->
/// panic` in the third passage. Where one panics the process dies at once: nothing is unwound,
/// closed or said, as when it is killed.
pub fn arm_crash_points() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told(panic);
        if panic.payload_as_str().is_some_and(|words| words.starts_with("failpoint ")) {
            std::process::abort();
        }
    }));
    // The points act as long as the process lives.
    std::mem::forget(fail::FailScenario::setup());
}

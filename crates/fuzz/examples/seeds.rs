//! Writes the corpus from the encoders: `cargo run --package tallystick-fuzz --example seeds`.

fn main() -> std::io::Result<()> {
    // Instrumented, it is built for the sake of its features, and has nobody to report to.
    #[cfg(not(fuzzing))]
    tallystick_fuzz::corpus::write()?;
    Ok(())
}

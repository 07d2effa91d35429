//! Makes Rust types and service stubs of the schema, without protoc.

use std::path::PathBuf;
use std::{env, fs};

use prost::Message;

const SCHEMA: [&str; 3] = [
    "tallystick/worker/v1/worker.proto",
    "tallystick/client/v1/client.proto",
    "tallystick/blobs/v1/blobs.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(SCHEMA, ["proto"])?;
    let output = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    // With the comments, so that reflection shows them as well.
    fs::write(output.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}

//! How a worker is set up.

use std::time::Duration;

use tallystick_tls::Dial;
use tallystick_wire::Software;
use tallystick_wire::worker::Capabilities;
use tonic::transport::Endpoint;

use crate::agent::{AgentConfig, NodeSecret};

/// A worker.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The rules of its agent.
    pub agent: AgentConfig,
    /// What its salts are made of.
    pub secret: NodeSecret,
    /// The coordinators, one of which it works for at a time; tried in this order. Whoever makes
    /// them sets up TLS, which is needed outside loopback.
    pub coordinators: Vec<Endpoint>,
    /// How lines to them come about.
    pub dial: Dial,
    /// What the machine can do. Its places are those of the agent's rules.
    pub capabilities: Capabilities,
    /// Grows with every start.
    pub instance_epoch: u64,
    /// Name and version of the program.
    pub software: Software,
    /// The most memory that the benchmark fills, in bytes.
    pub benchmark_bytes: u64,
    /// Time limits.
    pub times: Times,
}

/// Time limits of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// For every answer of a coordinator before Welcome, and for a message to be taken.
    pub answer: Duration,
    /// From the profile to the admission.
    pub admission: Duration,
    /// Longest silence while a blob is carried.
    pub blob: Duration,
    /// Pause after the first failure to connect; it doubles with each further one.
    pub shortest_pause: Duration,
    /// Longest pause between two tries to connect.
    pub longest_pause: Duration,
    /// Between two ticks of the agent.
    pub tick: Duration,
    /// From the wish to stop to the end, finished or not.
    pub drain: Duration,
}

impl Default for Times {
    /// Limits for machines on the internet.
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(10),
            admission: Duration::from_secs(60),
            blob: Duration::from_secs(30),
            shortest_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            tick: Duration::from_millis(500),
            drain: Duration::from_secs(120),
        }
    }
}

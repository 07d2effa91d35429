//! Plain jobs.

use tallystick_protocol::ledger::{Limits, Queueing, Settings};
use tallystick_protocol::specification::{Input as WorkInput, Specification, Work};
use tallystick_types::{
    Amount, Attempt, ChainTime, EngineProfile, Funding, JobRules, ParametersVersion, Policy,
    Privacy, ProgramDigest, Seconds, ServiceLevel, Trust, Verification,
};

use super::super::super::Offer;
use super::CLIENT;

/// When every world begins, in Unix seconds.
pub(super) const START: u64 = 1_750_000_000;

pub(in super::super) fn engine() -> EngineProfile {
    EngineProfile::new("wasm-48").unwrap()
}

pub(in super::super) fn settings() -> Settings {
    Settings::default()
}

pub(in super::super) fn offer(tasks: u64, replicas: u8) -> Offer {
    let assign_by = ChainTime::new(START + 20_000).unwrap();
    let complete_by = ChainTime::new(START + 40_000).unwrap();
    Offer {
        client: CLIENT,
        rules: JobRules {
            funding: Funding::Balance,
            verification: Verification::Deterministic,
            trust: Trust::Any,
            replicas,
            quorum: replicas / 2 + 1,
            assign_by,
            complete_by,
            service_level: ServiceLevel::new(0),
            parameters_version: ParametersVersion::new(1).unwrap(),
        },
        price: Amount::new(1_000),
        attempt: Attempt::new(1),
        specification: Specification {
            version: 1,
            work: Work::Wasm {
                program: ProgramDigest::new([4; 32]),
                arguments: Vec::new(),
                environment: Vec::new(),
                units: 1_000,
                memory_bytes: 1_000,
                output_bytes: 1_000,
            },
            engine: engine(),
            input: WorkInput::Tiles {
                width: u32::try_from(tasks).unwrap(),
                height: 1,
                across: 1,
                down: 1,
            },
            slices_per_task: 1,
            work_units_per_slice: 0,
            policy: Policy::Fast,
            privacy: Privacy::Public,
            queueing: Queueing::Queue,
            limits: Limits {
                job: Seconds::new(900),
                dead_letter: Seconds::new(60),
                ..Limits::for_tasks()
            },
        },
        slices: tasks,
    }
}

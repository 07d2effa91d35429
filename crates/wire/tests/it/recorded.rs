//! A recorded stream of version 1 means the same for ever.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, FixedBytes, U256};
use prost::Message;
use tallystick_types::{
    Amount, Attempt, BeaconRound, BlobDigest, ChainId, Commitment, EvmSignature, IdentityKey,
    IdentitySignature, InputDigest, JobId, NodeId, OutputRoot, Ppm, ReceiptDigest, Salt, Seat,
    Seconds, SpecificationDigest, TaskAttempt, TaskIndex, WallTime,
};
use tallystick_wire::worker::*;
use tallystick_wire::{Label, Sentence, Software};


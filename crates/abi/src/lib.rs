#![doc = include_str!("../README.md")]

pub mod commitment;
pub mod contracts;
mod convert;
pub mod deployment;
mod digest;
mod revert;

pub use convert::{Assignment, ConvertError, Job};
pub use deployment::{Contract, Deployed, Deployment, DeploymentError, Holders};
pub use digest::{JobDomain, RegistryDomain, SignatureError, signer_of, verify_attestations};
pub use revert::{Revert, decode_error};

//! What kinds of nodes there are, and what those that lie say.

use ed25519_dalek::{Signer, SigningKey};
use tallystick_abi::JobDomain;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_protocol::commitment::Opening;
use tallystick_types::{BlobDigest, Canonical, Commitment, IdentitySignature, OutputRoot};
use tallystick_worker::agent::AgentSays;

/// What kind of node one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Character {
    /// Follows the protocol.
    Honest,
    /// Commits to an output that no program had; nodes of one group to the same.
    WrongOutput {
        /// The group.
        group: u8,
    },
    /// Computes something else each time.
    Errs,
    /// Signs a second claim with another output.
    TwoClaims,
    /// Signs a second commitment for the same try.
    TwoCommitments,
    /// Opens something else than it committed to.
    FalseOpening,
    /// Takes work and never finishes it.
    Stalls,
    /// Never hands its outputs over.
    Withholds,
    /// Never signs a claim.
    Silent,
    /// Computes nothing and says what it overheard of others.
    Copies,
    /// Follows the protocol and is always the last.
    Late,
}

/// What a node that listens on the lines of others heard of a task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overheard {
    /// What another node committed to.
    pub commitment: Option<Commitment>,
    /// What another node opened, with the address of its output.
    pub opening: Option<(Opening, BlobDigest)>,
}

/// The keys of a node as somebody holds them who goes around the record of what they signed.
#[derive(Clone, Debug)]
pub struct BareKeys {
    /// On the chain.
    pub signer: LocalKey,
    /// In the network.
    pub identity: SigningKey,
    /// For which network.
    pub domain: JobDomain,
}

impl Character {
    /// Whether it follows the protocol.
    pub const fn is_honest(self) -> bool {
        matches!(self, Self::Honest | Self::Late)
    }

    /// Whether it has the words of others for its own.
    pub const fn copies(self) -> bool {
        matches!(self, Self::Copies)
    }

    /// Whether its runs take longer than those of all others.
    pub const fn is_slow(self) -> bool {
        matches!(self, Self::Copies | Self::Late)
    }

    /// Whether its runs never end.
    pub const fn stalls(self) -> bool {
        matches!(self, Self::Stalls)
    }

    /// Whether it keeps its outputs to itself.
    pub const fn withholds(self) -> bool {
        matches!(self, Self::Withholds)
    }

    /// What a node says in place of what its agent said.
    pub fn says(self, says: AgentSays, keys: &BareKeys, heard: &Overheard) -> Vec<AgentSays> {
        match (self, says) {
            (Self::Copies, says) => copied(says, keys, heard).into_iter().collect(),
            (Self::TwoClaims, AgentSays::Attested { claim, signature }) => {
                let mut other = claim;
                other.output_root = OutputRoot::new([0xee; 32]);
                let digest = keys.domain.claim_digest(&other);
                let second = keys.signer.sign_digest(digest).ok();
                let second =
                    second.map(|signature| AgentSays::Attested { claim: other, signature });
                let first = AgentSays::Attested { claim, signature };
                std::iter::once(first).chain(second).collect()
            }
            (Self::TwoCommitments, AgentSays::Commit { pledge, signature }) => {
                let mut other = pledge;
                other.commitment = Commitment::new([0xee; 32]);
                let signed = keys.identity.sign(&other.to_bytes()).to_bytes();
                let second =
                    AgentSays::Commit { pledge: other, signature: IdentitySignature::new(signed) };
                vec![AgentSays::Commit { pledge, signature }, second]
            }
            (
                Self::FalseOpening,
                AgentSays::Reveal { assignment, mut opening, output_blob, output_bytes, usage },
            ) => {
                opening.output_root = OutputRoot::new([0xdd; 32]);
                vec![AgentSays::Reveal { assignment, opening, output_blob, output_bytes, usage }]
            }
            (Self::Silent, AgentSays::Attested { .. }) => Vec::new(),
            (_, says) => vec![says],
        }
    }
}

/// Takes the words of another node into its own mouth. Nothing where there is nothing to copy.
fn copied(says: AgentSays, keys: &BareKeys, heard: &Overheard) -> Option<AgentSays> {
    match says {
        AgentSays::Commit { mut pledge, .. } => {
            pledge.commitment = heard.commitment?;
            let signed = keys.identity.sign(&pledge.to_bytes()).to_bytes();
            Some(AgentSays::Commit { pledge, signature: IdentitySignature::new(signed) })
        }
        AgentSays::Reveal { assignment, output_bytes, usage, .. } => {
            let (opening, output_blob) = heard.opening?;
            Some(AgentSays::Reveal { assignment, opening, output_blob, output_bytes, usage })
        }
        says => Some(says),
    }
}

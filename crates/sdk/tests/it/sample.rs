//! Work that was done, with real keys and signatures.

use alloy_primitives::Address;
use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};
use tallystick_abi::JobDomain;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_protocol::commitment::job_output_root;
use tallystick_protocol::output::TaskOutput;
use tallystick_protocol::specification::Specification;
use tallystick_sdk::specify::{Draft, InputSource, Prepared, Source};
use tallystick_types::{
    Amount, Attempt, Attestation, Attestations, BlockHash, ChainAnchor, ChainId, ChainTime, JobId,
    NodeId, OutputDigest, OutputRoot, Receipt, ReceiptVersion, Seat, SignedReceipt, SliceRange,
    TaskIndex, Usage, WallTime,
};

/// A module that begins as one does.
pub(crate) const MODULE: &[u8] = b"\0asm\x01\0\0\0";

pub(crate) const DOMAIN: JobDomain =
    JobDomain { chain: ChainId::new(31_337), job_manager: Address::repeat_byte(0x33) };

/// Five lines, one slice each, in tasks of two.
pub(crate) fn prepared() -> Prepared {
    let input = InputSource::Bytes(b"one\ntwo\nthree\nfour\nfive\n".to_vec());
    let mut draft = Draft::new(Source::Bytes(MODULE.to_vec()), input);
    draft.slices_per_task = std::num::NonZeroU64::new(2);
    draft.prepare().unwrap()
}

/// Nodes that sign.
pub(crate) struct Nodes {
    pub(crate) keys: Vec<LocalKey>,
    pub(crate) identity: SigningKey,
}

/// The outputs of all tasks of a job.
pub(crate) struct Work {
    pub(crate) tasks: Vec<(SliceRange, TaskOutput)>,
}

impl Work {
    /// Every slice in capital letters.
    pub(crate) fn of(slices: &[&str], per_task: usize) -> Self {
        let mut tasks = Vec::new();
        let mut first = 0;
        for slices in slices.chunks(per_task) {
            let outputs: Vec<_> = slices.iter().map(|it| it.to_uppercase().into_bytes()).collect();
            let range = SliceRange { first, count: u64::try_from(outputs.len()).unwrap() };
            first += range.count;
            tasks.push((range, TaskOutput::new(range, outputs).unwrap()));
        }
        Self { tasks }
    }

    pub(crate) fn whole(&self) -> Vec<u8> {
        self.tasks.iter().flat_map(|(_, output)| output.outputs().concat()).collect()
    }

    pub(crate) fn roots(&self) -> Vec<(TaskIndex, OutputRoot)> {
        let roots = self.tasks.iter().map(|(_, output)| output.root().unwrap());
        (0..).map(TaskIndex::new).zip(roots).collect()
    }
}

impl Nodes {
    pub(crate) fn new(count: usize) -> Self {
        let keys = (0..count).map(|_| LocalKey::random()).collect();
        Self { keys, identity: SigningKey::from_bytes(&[7; 32]) }
    }

    pub(crate) fn seats(&self) -> Vec<Seat> {
        let signers = self.keys.iter().map(EvmSigner::address);
        (1..).map(NodeId::new).zip(signers).map(|(node, signer)| Seat { node, signer }).collect()
    }

    /// The receipt of work that all nodes agree on.
    pub(crate) fn receipt(
        &self,
        job: JobId,
        specification: &Specification,
        work: &Work,
    ) -> SignedReceipt {
        self.attest(self.unsigned(job, specification, work)).sign(&self.identity)
    }

    /// A receipt with attestations over nothing.
    pub(crate) fn unsigned(
        &self,
        job: JobId,
        specification: &Specification,
        work: &Work,
    ) -> Receipt {
        let attestations = self.seats().into_iter().map(|seat| Attestation {
            node: seat.node,
            signer: seat.signer,
            signature: tallystick_types::EvmSignature::new([0; 65]),
        });
        let slices = work.tasks.iter().map(|(range, _)| range.count).sum();
        Receipt {
            version: ReceiptVersion::One,
            job,
            attempt: Attempt::new(1),
            specification: specification.digest(),
            program: specification.program(),
            engine: specification.engine.clone(),
            input: specification.input.digest(),
            output_root: job_output_root(work.roots()).unwrap(),
            output: OutputDigest::new(Sha256::digest(work.whole()).into()),
            slices: SliceRange { first: 0, count: slices },
            usage: Usage::default(),
            cost: Amount::new(900),
            primary: self.seats()[0],
            attestations: Attestations::new(attestations.collect()).unwrap(),
            issued_at: WallTime::new(1_750_000_000_000),
            anchor: ChainAnchor {
                chain: DOMAIN.chain,
                contract: DOMAIN.job_manager,
                block: 5,
                block_hash: BlockHash::new([5; 32]),
                block_time: ChainTime::new(1_750_000_000).unwrap(),
            },
        }
    }

    /// The same receipt with the nodes' signatures over its claim.
    pub(crate) fn attest(&self, receipt: Receipt) -> Receipt {
        let domain =
            JobDomain { chain: receipt.anchor.chain, job_manager: receipt.anchor.contract };
        let digest = domain.claim_digest(&receipt.claim());
        let signed = self.seats().into_iter().zip(&self.keys).map(|(seat, key)| Attestation {
            node: seat.node,
            signer: seat.signer,
            signature: key.sign_digest(digest).unwrap(),
        });
        let attestations = Attestations::new(signed.collect()).unwrap();
        Receipt { attestations, ..receipt }
    }
}

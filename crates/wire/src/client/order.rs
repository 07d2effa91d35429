//! Networks, quotes and orders.

use alloy_primitives::{Address, U256};
use tallystick_types::{
    Amount, Attestations, ChainId, EvmSignature, IdentityKey, JobId, JobTerms, ParametersVersion,
    Policy, Privacy, Seat, Trust, Verification, WallTime,
};

use super::v1;
use crate::bounded::{Cursor, Label, List, Software, Specification};
use crate::declare::{members, message, optional};
use crate::error::{Expected, Found, MalformedError, require, require_between};
use crate::field::Wire;
use crate::limits::{PAGE_ENTRIES, TASKS};

message! {
    /// Which part of a list is asked for.
    Page {
        /// Where to go on: the next of the page before; empty for the first. At most 64 bytes.
        after: Cursor,
        /// Most entries, 1 to 256; zero asks for 64.
        limit: u32,
    }
    check limit_fits
}

fn limit_fits(page: &Page) -> Result<(), MalformedError> {
    require_between("Page.limit", page.limit.into(), 0, PAGE_ENTRIES.into())
}

message! {
    /// A client's proof of who it is, for what nobody else may read. Serves for every question to
    /// the coordinator that it names, until it ends.
    Access {
        /// Until when it counts: at most 10 minutes from now.
        until_ms: WallTime,
        /// The client's signature over the bytes of the request: r, s, v; 65 bytes.
        signature: EvmSignature,
    }
}

message! {
    /// Asks which network this is.
    NetworkRequest {}
}

message! {
    /// A contract of the network.
    Contract {
        /// Its name, such as "JobManager", at most 64 bytes.
        name: Label,
        /// Its address, 20 bytes.
        address: Address,
    }
}

message! {
    /// A token in which jobs are paid.
    Token {
        /// Its address, 20 bytes.
        address: Address,
        /// Its symbol, at most 32 bytes.
        symbol: Label,
        /// Decimal places of one token, at most 255.
        decimals: u8,
    }
}

message! {
    /// Which network this is.
    NetworkResponse {
        /// Number of the settlement chain (EIP-155).
        chain_id: ChainId,
        /// Its contracts, at most 64.
        contracts: List<Contract, 64>,
        /// Who this coordinator is.
        coordinator: Seat,
        /// Its public identity key (Ed25519), 32 bytes.
        coordinator_identity: IdentityKey,
        /// Version of the network's parameters, at most 24 bits.
        parameters_version: ParametersVersion,
        /// Tokens that are accepted, at most 64.
        tokens: List<Token, 64>,
        /// Name and version of the coordinator's program, at most 128 bytes.
        software: Software,
        /// The coordinator's clock.
        server_time_ms: WallTime,
        /// The last block of the settlement chain that it has seen.
        block: u64,
    }
}

members! {
    /// What happens while no node is free.
    Queueing {
        /// The task waits until a node comes or the job's time is up.
        Queue,
        /// The job ends.
        FailFast,
    }
}

message! {
    /// Where the work goes, for whoever does not read the specification. The specification is
    /// signed with the order and rules: an order whose placement says otherwise is to be refused.
    Placement {
        /// What is preferred.
        policy: Option<Policy>,
        /// Who may see the work.
        privacy: Option<Privacy>,
        /// What happens while no node is free.
        queueing: Option<Queueing>,
        /// Number of the preferred region, at most 65535; absent for any.
        region: Option<u16>,
    }
}

message! {
    /// Asks what a job costs.
    QuoteRequest {
        /// The canonical specification, 1 to 1048576 bytes.
        specification: Specification,
        /// Nodes that are to execute each task, 1 to 16.
        replicas: u8,
        /// Equal results that make one, more than half of the replicas; zero for the least
        /// majority.
        quorum: u8,
        /// Token of payment, 20 bytes.
        token: Address,
        /// Who may execute.
        trust: Option<Trust>,
        /// How results are checked.
        verification: Option<Verification>,
        /// Where the work goes; absent for what is unspecified.
        placement: Option<Placement>,
        /// Who is going to order; needed where the specification is private.
        access: Option<Access>,
    }
    check majority
}

fn majority(request: &QuoteRequest) -> Result<(), MalformedError> {
    let QuoteRequest { specification, replicas, quorum, .. } = request;
    not_empty("QuoteRequest.specification", specification)?;
    require_between("QuoteRequest.replicas", (*replicas).into(), 1, Attestations::MOST as u64)?;
    if *quorum == 0 {
        return Ok(());
    }
    let least = u64::from(replicas / 2) + 1;
    require_between("QuoteRequest.quorum", (*quorum).into(), least, (*replicas).into())
}

message! {
    /// What a job costs and what its client has to sign.
    QuoteResponse {
        /// Most that the work may cost, without the tip, 16 bytes.
        max_price: Amount,
        /// For whoever submits the settlement, 16 bytes.
        tip: Amount,
        /// Slices of the input.
        slices: u64,
        /// Tasks of the job, 1 to 65536.
        tasks: u32,
        /// What an unspecified or automatic policy became: fast or cheap.
        policy: Policy,
        /// What to sign, with the client and a fresh nonce, as an order.
        terms: JobTerms,
        /// Until when the coordinator takes an order with these terms.
        expires_at_ms: WallTime,
    }
    check policy_resolved
}

fn policy_resolved(response: &QuoteResponse) -> Result<(), MalformedError> {
    require_between("QuoteResponse.tasks", response.tasks.into(), 1, TASKS.into())?;
    let expected = Expected::Meaning("fast or cheap");
    let resolved = response.policy != Policy::Auto;
    require(resolved, "QuoteResponse.policy", expected, Found::Other)
}

message! {
    /// Hands a signed order in.
    SubmitRequest {
        /// Who pays, 20 bytes.
        client: Address,
        /// A number that the client has not used, 32 bytes, big-endian.
        nonce: U256,
        /// What is offered and demanded.
        terms: JobTerms,
        /// The client's signature over the EIP-712 digest of the order: r, s, v; 65 bytes.
        signature: EvmSignature,
        /// The canonical specification, 1 to 1048576 bytes; its SHA-256 stands in the terms.
        specification: Specification,
        /// Where the work goes; absent for what is unspecified.
        placement: Option<Placement>,
    }
    check order_with_work
}

fn order_with_work(request: &SubmitRequest) -> Result<(), MalformedError> {
    not_empty("SubmitRequest.specification", &request.specification)
}

fn not_empty(field: &'static str, bytes: &[u8]) -> Result<(), MalformedError> {
    require(!bytes.is_empty(), field, Expected::Something, Found::Nothing)
}

message! {
    /// An order is taken.
    SubmitResponse {
        /// The job, 32 bytes.
        job: JobId,
    }
}

optional!(every Queueing);

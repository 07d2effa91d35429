//! Nodes in the registry.

use alloy_primitives::{Address, B256, Bytes};
use tallystick_abi::Contract;
use tallystick_abi::contracts::INodeRegistry::{self, NodeStatus};
use tallystick_chain::keys::EvmSigner;
use tallystick_types::{IdentityKey, NodeId};

use super::{Chain, ChainError};

/// What a node says of itself in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its public identity key.
    pub identity: IdentityKey,
    /// Name in the mesh, 0 to 64 bytes.
    pub peer: Vec<u8>,
    /// What it does: worker 1, coordinator 2, archive 4, relay 8, settler 16, added up.
    pub roles: u8,
    /// Number of its region.
    pub region: u16,
    /// Where more is written about it.
    pub metadata: String,
}

/// A node as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOnChain {
    /// Its number.
    pub node: NodeId,
    /// Whose signatures count.
    pub signer: Address,
    /// Who owns it.
    pub operator: Address,
    /// Its state in the words of the registry.
    pub status: &'static str,
    /// Whether governance vetted it.
    pub vetted: bool,
    /// Whether its key is frozen.
    pub frozen: bool,
    /// What it says of itself.
    pub profile: Profile,
}

impl Chain {
    /// Registers a node of this account. The key that is to sign for it consents here.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn register_node(
        &self,
        signer: &dyn EvmSigner,
        profile: Profile,
    ) -> Result<NodeId, ChainError> {
        let operator = self.account()?;
        let digest = self.deployment.registry_domain().consent_digest(operator);
        let consent = signer.sign_digest(digest)?;
        let call = INodeRegistry::registerCall {
            signer: signer.address(),
            consent: Bytes::copy_from_slice(consent.as_bytes()),
            profile: INodeRegistry::NodeProfile {
                peerId: profile.peer.into(),
                identityKey: B256::from(*profile.identity.as_bytes()),
                roles: profile.roles,
                region: profile.region,
                metadataUri: profile.metadata,
            },
        };
        self.send(self.at(Contract::NodeRegistry), call).await?;
        self.node_of_signer(signer.address()).await
    }

    /// The node that a key signs for; zero for none.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn node_of_signer(&self, signer: Address) -> Result<NodeId, ChainError> {
        let call = INodeRegistry::nodeOfSignerCall { signer };
        Ok(NodeId::new(self.call(self.at(Contract::NodeRegistry), call).await?))
    }

    /// How many nodes were ever registered; they are numbered from 1.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn node_count(&self) -> Result<u64, ChainError> {
        self.call(self.at(Contract::NodeRegistry), INodeRegistry::nodeCountCall {}).await
    }

    /// A node as the registry has it.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn node(&self, node: NodeId) -> Result<NodeOnChain, ChainError> {
        let call = INodeRegistry::nodeOfCall { node: node.get() };
        let found = self.call(self.at(Contract::NodeRegistry), call).await?;
        Ok(NodeOnChain {
            node,
            signer: found.signer,
            operator: found.operator,
            status: match found.status {
                NodeStatus::None => "unknown",
                NodeStatus::Registered => "registered",
                NodeStatus::Active => "active",
                NodeStatus::Jailed => "jailed",
                NodeStatus::Retired => "retired",
                NodeStatus::__Invalid => "of another version",
            },
            vetted: found.vetted,
            frozen: found.frozen,
            profile: Profile {
                identity: IdentityKey::new(found.identityKey.0),
                peer: found.peerId.to_vec(),
                roles: found.roles,
                region: found.region,
                metadata: found.metadataUri,
            },
        })
    }

    /// Takes a node of this account out for good.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn retire_node(&self, node: NodeId) -> Result<B256, ChainError> {
        let call = INodeRegistry::retireCall { node: node.get() };
        Ok(super::done(&self.send(self.at(Contract::NodeRegistry), call).await?))
    }
}

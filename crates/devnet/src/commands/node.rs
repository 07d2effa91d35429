//! One node, perhaps behind a liar.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tallystick_abi::Deployment;
use tallystick_chain::keys::{EvmSigner, IdentityFile, Keystores, Password};
use tallystick_devnet::lie::{self, LiarKeys, Lie};
use tallystick_node::Config;
use tokio::net::TcpListener;
use tonic::transport::Endpoint;

use super::Failure;

#[derive(Debug, Args)]
pub(crate) struct Node {
    /// The configuration of the node.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What is wrong about what it says.
    #[arg(long, value_name = "LIE")]
    lie: Option<Lie>,
}

impl Node {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut config = Config::load(Some(&self.config), std::env::vars(), &[])?;
        tallystick_node::init_logs(&config.log)?;
        let Some(lie) = self.lie else {
            return Ok(tallystick_node::run_until_signalled(config).await?);
        };
        let keys = keys(&config)?;
        let coordinator =
            config.worker.coordinators.first().cloned().ok_or("a liar needs a coordinator")?;
        let upstream = Endpoint::from_shared(coordinator)?.connect_lazy();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        config.worker.coordinators = vec![format!("http://{}", listener.local_addr()?)];
        let liar = lie::serve(listener, upstream, (lie, keys), std::future::pending());
        tokio::select! {
            ended = tallystick_node::run_until_signalled(config) => Ok(ended?),
            ended = liar => Ok(ended?),
        }
    }
}

/// The keys of the node, with which the liar signs.
fn keys(config: &Config) -> Result<LiarKeys, Failure> {
    let password = std::fs::read_to_string(&config.keys.password_file)?;
    let password = Password::new(password.trim_end().to_owned());
    let signer = Keystores::at(config.data.join("keys")).unlock(config.keys.account, &password)?;
    let signer: Arc<dyn EvmSigner> = Arc::new(signer);
    let identity = IdentityFile::at(config.data.join("identity")).load()?;
    let deployment = Deployment::read(&config.chain.deployments, config.chain.id)?;
    Ok(LiarKeys { identity, signer, domain: deployment.job_domain() })
}

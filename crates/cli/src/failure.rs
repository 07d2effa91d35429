//! What a failure means to whoever called: one exit code each.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use tallystick_node::NodeError;
use tallystick_sdk::blob::{DownloadError, UploadError};
use tallystick_sdk::chain::{ChainError, SettlingError};
use tallystick_sdk::client::TrustError;
use tallystick_sdk::order::OrderError;
use tallystick_sdk::output::ResultError;
use tallystick_sdk::picture::PictureError;
use tallystick_sdk::specify::DraftError;
use tallystick_sdk::verify::VerifyError;
use tallystick_sdk::{CallError, ConnectError};

/// The exit codes, as the front page lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NoConnection = 4,
    Verification = 5,
}

/// Why a command ends without its result.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: Box<dyn Error + Send + Sync>,
}

/// Somebody pressed Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("stopped; a job that was ordered goes on: `tally job list` shows it, `job cancel` ends it")]
pub(crate) struct Stopped;

/// A wrong use that clap cannot see. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misused(pub(crate) String);

impl Failure {
    pub(crate) fn new(code: Code, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code: code as u8, error: error.into() }
    }

    pub(crate) fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Failed, error)
    }

    /// A node's own exit codes are part of what its supervisor knows of it.
    pub(crate) fn of_node(code: u8, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code, error: error.into() }
    }

    pub(crate) fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Usage, error)
    }

    /// A look at what is needed found something bad, and printed it.
    pub(crate) fn unfit() -> Self {
        let text = "something is not as it should be; each line says what to do";
        Self::failed(io::Error::other(text))
    }

    pub(crate) fn misused(text: impl Into<String>) -> Self {
        Self::usage(Misused(text.into()))
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    pub(crate) fn error(&self) -> &(dyn Error + 'static) {
        &*self.error
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self::of_node(error.exit_code(), error)
    }
}

const fn of_call(error: &CallError) -> Code {
    match error {
        CallError::Unreachable { .. } | CallError::Insecure { .. } | CallError::TimedOut { .. } => {
            Code::NoConnection
        }
        CallError::NotFound { .. }
        | CallError::NotNow { .. }
        | CallError::NotPaired { .. }
        | CallError::TermsUnmet { .. }
        | CallError::Refused { .. } => Code::Refused,
        CallError::Malformed { .. } => Code::Failed,
    }
}

const fn of_download(error: &DownloadError) -> Code {
    match error {
        DownloadError::Write { .. } => Code::Failed,
        DownloadError::Fetch { .. } => Code::Verification,
        DownloadError::Call(call) => of_call(call),
    }
}

const fn of_chain(error: &ChainError) -> Code {
    match error {
        ChainError::Refused { .. } | ChainError::Failed { .. } => Code::Refused,
        ChainError::Endpoint { .. } => Code::NoConnection,
        ChainError::Url { .. } | ChainError::NoKey => Code::Usage,
        ChainError::OtherChain { .. }
        | ChainError::Sign(_)
        | ChainError::Answer { .. }
        | ChainError::Unseen { .. } => Code::Failed,
    }
}

/// From an error to its code, without a variant forgotten.
macro_rules! codes {
    ($($error:ty => |$name:ident| $code:expr;)*) => {$(
        impl From<$error> for Failure {
            fn from($name: $error) -> Self {
                let code = $code;
                Self::new(code, $name)
            }
        }
    )*};
}

codes! {
    std::io::Error => |error| Code::Failed;
    CallError => |error| of_call(&error);
    DownloadError => |error| of_download(&error);
    ChainError => |error| of_chain(&error);
    DraftError => |error| Code::Usage;
    VerifyError => |error| Code::Verification;
    PictureError => |error| Code::Failed;
    ConnectError => |error| match &error {
        ConnectError::NoCoordinator | ConnectError::Address(_) => Code::Usage,
        ConnectError::Call(call) => of_call(call),
        ConnectError::NoJobManager | ConnectError::OtherNetwork { .. } => Code::Verification,
    };
    UploadError => |error| match &error {
        UploadError::Read { .. } | UploadError::Changed { .. } => Code::Failed,
        UploadError::Call(call) => of_call(call),
    };
    OrderError => |error| match &error {
        OrderError::NoKey => Code::Usage,
        OrderError::Call(call) => of_call(call),
        OrderError::Lie(_) | OrderError::OtherJob { .. } => Code::Verification,
        OrderError::Sign(_) | OrderError::Unsendable(_) | OrderError::Expired => Code::Failed,
    };
    TrustError => |error| match &error {
        TrustError::NoKey | TrustError::Code(_) => Code::Usage,
        TrustError::Call(call) => of_call(call),
        TrustError::Sign(_) => Code::Failed,
    };
    ResultError => |error| match &error {
        ResultError::Call(call) => of_call(call),
        ResultError::Download(download) => of_download(download),
        ResultError::Assembly(_) => Code::Verification,
        ResultError::Write(_) => Code::Failed,
        ResultError::Incomplete => Code::Refused,
    };
    SettlingError => |error| match &error {
        SettlingError::Chain(chain) => of_chain(chain),
        SettlingError::NoReceipt { .. } => Code::Usage,
        SettlingError::NotAssigned { .. } => Code::Verification,
        SettlingError::Unknown { .. } | SettlingError::NotYet { .. } => Code::Refused,
        SettlingError::Event { .. } | SettlingError::Meaning(_) => Code::Failed,
    };
}

//! Why a line did not come about, out of the errors of whoever tried.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// What is wrong between two ends of a line, with what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody who is believed made the certificate.
    #[error(
        "its certificate is by an authority that is not believed here; check the address, or name \
         the file of a private authority: tls.authorities of a node, --authorities of `tally`"
    )]
    UnknownAuthority,
    /// The time of the certificate is over.
    #[error("its certificate has expired; its operator has to renew it. Is this clock right?")]
    Expired,
    /// The time of the certificate has not come.
    #[error("its certificate is not valid yet. Is this machine's clock right?")]
    NotYetValid,
    /// The certificate is for somebody else.
    #[error("its certificate is for another name; use an address with a name that it is for")]
    OtherName,
    /// The certificate is bad in another way.
    #[error("its certificate is not valid; its operator has to make a new one")]
    BadCertificate,
    /// What answers does not speak TLS.
    #[error(
        "it does not speak TLS at this port; ask for its https address, or write http:// where it \
         is on this machine"
    )]
    NoTls,
    /// What answers speaks nothing but TLS.
    #[error("it speaks TLS at this port; write https://")]
    NeedsTls,
    /// Both speak TLS and do not agree.
    #[error("it speaks a TLS that this program does not; update the older side")]
    Disagreement,
}

impl Trouble {
    /// What an error, or one that led to it, says about the line; nothing where it is about
    /// something else.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = Self::said_by(error) {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    fn said_by(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Self::of_tls(error);
        }
        #[cfg(feature = "channel")]
        if let Some(error) = error.downcast_ref::<h2::Error>()
            && error.reason() == Some(h2::Reason::INADEQUATE_SECURITY)
        {
            return Some(Self::NeedsTls);
        }
        // What is inside one of these is not its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)?;
        Self::of(inner)
    }

    fn of_tls(error: &rustls::Error) -> Option<Self> {
        use CertificateError as Bad;
        Some(match error {
            rustls::Error::InvalidCertificate(bad) => match bad {
                // The second: one of the same name, whose key did not sign it.
                Bad::UnknownIssuer | Bad::BadSignature => Self::UnknownAuthority,
                Bad::Expired | Bad::ExpiredContext { .. } => Self::Expired,
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => Self::NotYetValid,
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Self::OtherName,
                _ => Self::BadCertificate,
            },
            rustls::Error::InvalidMessage(_) => Self::NoTls,
            rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(_) => {
                Self::Disagreement
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_inside_of_what_a_socket_says() {
        let bad = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let socket = io::Error::new(io::ErrorKind::InvalidData, bad);
        assert_eq!(Trouble::of(&socket), Some(Trouble::Expired));
        let twice = io::Error::other(socket);
        assert_eq!(Trouble::of(&twice), Some(Trouble::Expired));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(Trouble::of(&refused), None);
    }
}

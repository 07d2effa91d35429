//! Which version of the protocol two sides speak.

/// The versions that this crate speaks, ascending.
pub const SUPPORTED: &[u32] = &[1];

/// Why two sides cannot speak.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NegotiationError {
    /// The other side named no version.
    #[error("the other side offers no version; it breaks the protocol")]
    NothingOffered,
    /// There is no version that both speak.
    #[error("no version in common: {offered:?} are offered, {supported:?} spoken; update one side")]
    NothingInCommon {
        /// What the other side speaks.
        offered: Vec<u32>,
        /// What this side speaks.
        supported: Vec<u32>,
    },
}

/// The largest version that both sides speak, whatever the order of their lists.
///
/// # Errors
///
/// [`NegotiationError`] when there is none.
pub fn negotiate(offered: &[u32], supported: &[u32]) -> Result<u32, NegotiationError> {
    if offered.is_empty() {
        return Err(NegotiationError::NothingOffered);
    }
    offered.iter().copied().filter(|version| supported.contains(version)).max().ok_or_else(|| {
        let (offered, supported) = (offered.to_vec(), supported.to_vec());
        NegotiationError::NothingInCommon { offered, supported }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_common_version_is_chosen() {
        for (offered, supported, chosen) in [
            (&[1][..], &[1][..], 1),
            (&[1, 2, 3], &[1], 1),
            (&[3, 1, 2], &[2, 1], 2),
            (&[1], &[1, 2, 3], 1),
            (&[2, 2], &[3, 2], 2),
        ] {
            assert_eq!(negotiate(offered, supported), Ok(chosen), "{offered:?} {supported:?}");
        }
    }

    #[test]
    fn without_a_common_version_both_lists_are_named() {
        assert_eq!(negotiate(&[], SUPPORTED), Err(NegotiationError::NothingOffered));
        for (offered, supported) in
            [(&[2][..], &[1][..]), (&[1], &[2, 3]), (&[1], &[]), (&[0], &[1])]
        {
            let refused = NegotiationError::NothingInCommon {
                offered: offered.to_vec(),
                supported: supported.to_vec(),
            };
            assert_eq!(negotiate(offered, supported), Err(refused));
        }
    }
}

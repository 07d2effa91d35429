//! What people and files write for amounts and names.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use tallystick_sdk::specify::{Split, TileGrid};
use tallystick_types::{Amount, BlobDigest, EngineProfile, EvmSignature, IdentityKey, JobId, Salt};

/// Kinds of words, by the first byte of an input.
const READERS: [crate::Target; 7] = [
    amount,
    name::<JobId>,
    name::<EvmSignature>,
    name::<BlobDigest>,
    engine,
    cut,
    names_of_other_kinds,
];

/// Reads one input: the kind of word in one byte, then its text.
pub fn read(bytes: &[u8]) {
    crate::one_of(&READERS, bytes);
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// An amount has one way to be written.
fn amount(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(amount) = text.parse::<Amount>() {
        assert_eq!(amount.to_string(), text);
        let json = serde_json::to_string(&amount).expect("an amount is JSON");
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Amount>(&json).ok(), Some(amount));
    }
}

/// A name is written in lower case with `0x`; reading is more lenient, and never confuses two.
fn name<T: FromStr + Display + PartialEq + Debug>(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(name) = text.parse::<T>() {
        let written = name.to_string();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        assert_eq!(written.strip_prefix("0x"), Some(digits.to_lowercase().as_str()));
        assert_eq!(written.parse::<T>().ok(), Some(name));
    }
}

fn names_of_other_kinds(bytes: &[u8]) {
    name::<IdentityKey>(bytes);
    name::<Salt>(bytes);
}

fn engine(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(engine) = EngineProfile::new(text) {
        assert_eq!(engine.as_str(), text);
        assert!((1..=usize::from(EngineProfile::LONGEST)).contains(&text.len()));
    }
}

/// How an input or picture is cut, as the command line takes it.
fn cut(bytes: &[u8]) {
    let text = text(bytes);
    if let Err(refusal) = text.parse::<Split>() {
        assert!(!refusal.to_string().is_empty());
    }
    if let Ok(TileGrid { width, height, across, down }) = text.parse() {
        assert!(![width, height, across, down].contains(&0));
    }
}

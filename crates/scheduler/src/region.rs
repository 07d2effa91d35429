//! Where machines and clients are, and how far apart that is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of a region in the network's region table, as `NodeRegistry` stores it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Region(u16);

/// How far two regions are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionDistance {
    /// One of the two, in any order.
    pub one: Region,
    /// The other.
    pub other: Region,
    /// Usual round trip between them, in milliseconds.
    pub round_trip_ms: u32,
}

/// The distances that governance wrote down. A region is at no distance from itself; a pair that
/// is not listed is as far apart as can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<RegionDistance>", into = "Vec<RegionDistance>")]
pub struct RegionTable(BTreeMap<(Region, Region), u32>);

/// Why a list of distances is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionTableError {
    /// The pair stands twice.
    #[error("the distance between regions {one} and {other} is given twice; keep one of them")]
    Twice {
        /// The lower number.
        one: Region,
        /// The higher number.
        other: Region,
    },
    /// A distance of a region from itself.
    #[error("region {region} is at no distance from itself; leave that line out")]
    Itself {
        /// The region.
        region: Region,
    },
}

impl Region {
    /// Takes the number as it is.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl RegionTable {
    /// Checks a list, in which every pair may stand once and in any order.
    pub fn new(
        distances: impl IntoIterator<Item = RegionDistance>,
    ) -> Result<Self, RegionTableError> {
        let mut table = BTreeMap::new();
        for RegionDistance { one, other, round_trip_ms } in distances {
            if one == other {
                return Err(RegionTableError::Itself { region: one });
            }
            let (one, other) = pair(one, other);
            if table.insert((one, other), round_trip_ms).is_some() {
                return Err(RegionTableError::Twice { one, other });
            }
        }
        Ok(Self(table))
    }

    /// The round trip between two regions in milliseconds, or nothing where it is not listed.
    pub fn round_trip_ms(&self, one: Region, other: Region) -> Option<u32> {
        if one == other { Some(0) } else { self.0.get(&pair(one, other)).copied() }
    }
}

fn pair(one: Region, other: Region) -> (Region, Region) {
    if one < other { (one, other) } else { (other, one) }
}

impl TryFrom<Vec<RegionDistance>> for RegionTable {
    type Error = RegionTableError;

    fn try_from(distances: Vec<RegionDistance>) -> Result<Self, Self::Error> {
        Self::new(distances)
    }
}

impl From<RegionTable> for Vec<RegionDistance> {
    fn from(table: RegionTable) -> Self {
        let distance = |((one, other), round_trip_ms)| RegionDistance { one, other, round_trip_ms };
        table.0.into_iter().map(distance).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(one: u16, other: u16, round_trip_ms: u32) -> RegionDistance {
        RegionDistance { one: Region::new(one), other: Region::new(other), round_trip_ms }
    }

    #[test]
    fn a_distance_holds_in_both_directions_and_an_unlisted_pair_has_none() {
        let table = RegionTable::new([distance(2, 1, 80)]).unwrap();
        let [one, two, three] = [1, 2, 3].map(Region::new);
        assert_eq!(table.round_trip_ms(one, two), Some(80));
        assert_eq!(table.round_trip_ms(two, one), Some(80));
        assert_eq!(table.round_trip_ms(three, three), Some(0));
        assert_eq!(table.round_trip_ms(one, three), None);
    }

    #[test]
    fn a_pair_that_stands_twice_and_a_region_paired_with_itself_are_refused() {
        let (one, other) = (Region::new(1), Region::new(2));
        let twice = RegionTable::new([distance(2, 1, 80), distance(1, 2, 70)]);
        assert_eq!(twice, Err(RegionTableError::Twice { one, other }));
        let itself = RegionTable::new([distance(1, 1, 5)]);
        assert_eq!(itself, Err(RegionTableError::Itself { region: one }));
    }

    #[test]
    fn tables_survive_json() {
        let table = RegionTable::new([distance(2, 1, 80), distance(7, 2, 200)]).unwrap();
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<RegionTable>(&text).unwrap(), table);
        let twice = text.replace("\"one\":2,\"other\":7", "\"one\":2,\"other\":1");
        assert!(serde_json::from_str::<RegionTable>(&twice).is_err());
    }
}

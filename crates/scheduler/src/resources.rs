//! What a task needs of a machine, and what a machine has.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that a machine has a limited amount of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Processor time, in thousandths of a core.
    Cpu,
    /// Main memory, in bytes.
    Memory,
    /// Disk space, in bytes.
    Disk,
    /// Accelerators, in whole devices.
    Accelerators,
    /// Memory of all accelerators together, in bytes.
    AcceleratorMemory,
}

/// An amount of every resource: demanded, free or owned. Zero is "none of it".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Processor time, in thousandths of a core.
    pub cpu_millicores: u64,
    /// Main memory, in bytes.
    pub memory_bytes: u64,
    /// Disk space, in bytes.
    pub disk_bytes: u64,
    /// Accelerators, in whole devices.
    pub accelerators: u64,
    /// Memory of all accelerators together, in bytes.
    pub accelerator_memory_bytes: u64,
}

impl Resource {
    /// All of them, in the order in which shortages are looked for.
    pub const ALL: [Self; 5] =
        [Self::Cpu, Self::Memory, Self::Disk, Self::Accelerators, Self::AcceleratorMemory];

    /// The unit in which it is counted, for people.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "millicores",
            Self::Memory | Self::Disk | Self::AcceleratorMemory => "bytes",
            Self::Accelerators => "devices",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "processor",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Accelerators => "accelerators",
            Self::AcceleratorMemory => "accelerator memory",
        })
    }
}

impl Resources {
    /// How much there is of one resource, in its unit.
    pub const fn get(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Cpu => self.cpu_millicores,
            Resource::Memory => self.memory_bytes,
            Resource::Disk => self.disk_bytes,
            Resource::Accelerators => self.accelerators,
            Resource::AcceleratorMemory => self.accelerator_memory_bytes,
        }
    }

    /// The first resource of which this has less than demanded, with both amounts: demanded, had.
    pub fn shortage(&self, demanded: &Self) -> Option<(Resource, u64, u64)> {
        Resource::ALL
            .into_iter()
            .map(|resource| (resource, demanded.get(resource), self.get(resource)))
            .find(|(_, demanded, had)| demanded > had)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_shortage_is_named_with_both_amounts() {
        let had = Resources { cpu_millicores: 4_000, memory_bytes: 10, ..Resources::default() };
        assert_eq!(had.shortage(&had), None);
        let demanded = Resources { memory_bytes: 11, disk_bytes: 1, ..had };
        assert_eq!(had.shortage(&demanded), Some((Resource::Memory, 11, 10)));
    }

    #[test]
    fn every_resource_is_read_from_a_field_of_its_own() {
        let each = Resources {
            cpu_millicores: 1,
            memory_bytes: 2,
            disk_bytes: 3,
            accelerators: 4,
            accelerator_memory_bytes: 5,
        };
        assert_eq!(Resource::ALL.map(|resource| each.get(resource)), [1, 2, 3, 4, 5]);
    }
}

//! Settings that follow from a machine's memory and its data disk.

use crate::unit::Size;

/// What a connection takes beside its sorts: its process, its caches of the catalogue.
const CONNECTION: u64 = 10 << 20;
/// The least memory of one sort with which plans stay reasonable.
const LEAST_SORT: u64 = 1 << 20;
const MIB: u64 = 1 << 20;

/// The settings, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) connections: u32,
    pub(super) shared: u64,
    pub(super) cache: u64,
    pub(super) maintenance: u64,
    pub(super) sort: u64,
}

impl Memory {
    /// A quarter is shared (postgresql.org, *Resource Consumption*), half is for connections, and the rest is the system's.
    pub(super) fn of(memory: Size, connections: Option<u32>) -> Self {
        let bytes = memory.as_bytes();
        let connections = connections.unwrap_or_else(|| most_connections(memory).min(100));
        let each = (bytes / 2 / u64::from(connections.max(1))).saturating_sub(CONNECTION / 2);
        Self {
            connections,
            shared: bytes / 4,
            cache: bytes / 4 * 3,
            maintenance: (bytes / 16).min(2 << 30),
            sort: each.clamp(LEAST_SORT, 64 << 20),
        }
    }

    /// The lines of `postgresql.conf`.
    pub(super) fn lines(&self) -> String {
        let mib = |bytes: u64| format!("{}MB", (bytes / MIB).max(1));
        format!(
            "max_connections = {}\nshared_buffers = {}\neffective_cache_size = {}\nmaintenance_work_mem = {}\nwork_mem = {}\n",
            self.connections,
            mib(self.shared),
            mib(self.cache),
            mib(self.maintenance),
            mib(self.sort)
        )
    }
}

/// How many connections half of the memory holds.
pub(super) fn most_connections(memory: Size) -> u32 {
    u32::try_from(memory.as_bytes() / 2 / CONNECTION).unwrap_or(u32::MAX).max(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::SizeExt as _;

    #[test]
    fn settings_follow_from_the_memory() {
        assert_eq!(
            Memory::of(4.gib(), None).lines(),
            "max_connections = 100\nshared_buffers = 1024MB\neffective_cache_size = 3072MB\nmaintenance_work_mem = 256MB\n\
             work_mem = 15MB\n"
        );
        assert_eq!(Memory::of(512.mib(), None).connections, 25);
        assert_eq!(Memory::of(512.mib(), Some(10_000)).sort, LEAST_SORT);
        assert_eq!(most_connections(2.gib()), 102);
    }
}

//! What a server has done so far.

/// Counts since the start, but for the first two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Allocations that are open now.
    pub allocations: u64,
    /// Permissions and channels that are remembered now.
    pub permissions: u64,
    /// Allocations that were opened.
    pub allocations_opened: u64,
    /// Binding requests that were answered.
    pub bindings: u64,
    /// Requests that were refused for a missing or wrong credential (401).
    pub unauthorized: u64,
    /// Allocations that were refused for a quota (486).
    pub over_quota: u64,
    /// Allocations that found no port (508).
    pub out_of_ports: u64,
    /// Peers that were refused (403).
    pub peers_refused: u64,
    /// Answers that were not given, for their source asks too often.
    pub answers_withheld: u64,
    /// Packets relayed from clients to peers.
    pub packets_to_peers: u64,
    /// Bytes in them.
    pub bytes_to_peers: u64,
    /// Packets relayed from peers to clients.
    pub packets_to_clients: u64,
    /// Bytes in them.
    pub bytes_to_clients: u64,
    /// Of both, those that went from client to client in memory; they are counted in both directions.
    pub packets_in_memory: u64,
    /// Packets dropped without a permission, without an allocation, or to a peer that is not allowed.
    pub packets_refused: u64,
    /// Packets dropped because their allocation was over its bandwidth.
    pub packets_over_bandwidth: u64,
}

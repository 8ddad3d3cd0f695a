//! Figures for Prometheus.

use callbox_turn_proto::Figures;
use metrics::{counter, gauge};

use crate::datagrams::Unsent;

/// What the thread dropped, which the server does not know of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Datagrams that the system did not take.
    pub(crate) unsent: Unsent,
    /// Datagrams that were longer than a slot.
    pub(crate) too_long: u64,
    /// Packets for streams whose clients are slow.
    pub(crate) stream_full: u64,
}

/// Tells the figures of now.
pub(crate) fn report(figures: &Figures, streams: usize, dropped: &Dropped) {
    gauge!("callbox_relay_allocations").set(precise(figures.allocations));
    gauge!("callbox_relay_permissions").set(precise(figures.permissions));
    gauge!("callbox_relay_streams").set(precise(streams as u64));
    counter!("callbox_relay_allocations_opened_total").absolute(figures.allocations_opened);
    counter!("callbox_relay_bindings_total").absolute(figures.bindings);
    counter!("callbox_relay_packets_in_memory_total").absolute(figures.packets_in_memory);
    for (direction, packets, bytes) in [
        ("to_peer", figures.packets_to_peers, figures.bytes_to_peers),
        ("to_client", figures.packets_to_clients, figures.bytes_to_clients),
    ] {
        counter!("callbox_relay_packets_total", "direction" => direction).absolute(packets);
        counter!("callbox_relay_bytes_total", "direction" => direction).absolute(bytes);
    }
    for (reason, count) in [
        ("unauthorized", figures.unauthorized),
        ("over_quota", figures.over_quota),
        ("out_of_ports", figures.out_of_ports),
        ("peer", figures.peers_refused),
    ] {
        counter!("callbox_relay_refused_total", "reason" => reason).absolute(count);
    }
    for (reason, count) in [
        ("not_permitted", figures.packets_refused),
        ("over_bandwidth", figures.packets_over_bandwidth),
        ("answer_withheld", figures.answers_withheld),
        ("too_long", dropped.too_long),
        ("stream_full", dropped.stream_full),
        ("socket_full", dropped.unsent.buffer_full),
        ("unreachable", dropped.unsent.unreachable),
    ] {
        counter!("callbox_relay_dropped_total", "reason" => reason).absolute(count);
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 of anything here")]
fn precise(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn figures_are_told_by_name_and_are_not_added_up_twice() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let figures = Figures {
            allocations: 3,
            bytes_to_peers: 1_200,
            packets_to_clients: 7,
            over_quota: 5,
            ..Figures::default()
        };
        let dropped = Dropped { stream_full: 9, ..Dropped::default() };
        metrics::with_local_recorder(&recorder, || {
            report(&figures, 2, &dropped);
            report(&figures, 2, &dropped);
        });
        let told = recorder.handle().render();
        for line in [
            "callbox_relay_allocations 3",
            "callbox_relay_streams 2",
            "callbox_relay_bytes_total{direction=\"to_peer\"} 1200",
            "callbox_relay_packets_total{direction=\"to_client\"} 7",
            "callbox_relay_refused_total{reason=\"over_quota\"} 5",
            "callbox_relay_dropped_total{reason=\"stream_full\"} 9",
        ] {
            assert!(told.lines().any(|told| told == line), "{line} is not in\n{told}");
        }
    }
}

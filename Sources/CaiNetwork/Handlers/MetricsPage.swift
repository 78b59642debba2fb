import CaiPlatform

/// The numbers of the service in the text format of Prometheus.
struct MetricsPage {
    let counters: Counters
    let events: [String: Int]
    let readers: Int

    var text: String {
        let memory = ProcessFacts.residentBytes
        let files = ProcessFacts.openDescriptors
        return family("cai_info", "gauge", "The version of this service.", [("{version=\"\(Build.version)\"}", 1)])
            + family(
                "cai_requests_total", "counter", "Requests that were answered, by route and status.",
                counters.requests.sorted { $0.key < $1.key }
                    .map { ("{route=\"\($0.key.route)\",status=\"\($0.key.status)\"}", $0.value) })
            + family(
                "cai_refused_peers_total", "counter", "Requests of those who may not use the socket.",
                [("", counters.refusedPeers)])
            + family(
                "cai_events_total", "counter", "What was done and noticed, by kind.",
                events.sorted { $0.key < $1.key }.map { ("{event=\"\($0.key)\"}", $0.value) })
            + family(
                "cai_jobs_running", "gauge", "Jobs that are being worked on.",
                counters.running.sorted { $0.key < $1.key }.map { ("{job=\"\($0.key)\"}", $0.value) })
            + family("cai_connections", "gauge", "Clients that are connected.", [("", counters.connections)])
            + family("cai_event_readers", "gauge", "Clients that read events.", [("", readers)])
            + family(
                "process_resident_memory_bytes", "gauge", "Resident memory.", memory.map { [("", $0)] } ?? [])
            + family("process_open_fds", "gauge", "Open descriptors.", files.map { [("", $0)] } ?? [])
    }

    private func family(_ name: String, _ type: String, _ help: String, _ values: [(labels: String, Int)]) -> String {
        if values.isEmpty { return "" }
        return "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            + values.map { "\(name)\($0.labels) \($0.1)\n" }.joined()
    }
}

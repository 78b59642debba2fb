/// The units, drop-ins and presets of `systemd/`, which are part of the binary.
package enum SystemdUnits {
    /// The files by their names below that folder, in the order of the names.
    package static var files: [(name: String, text: String)] {
        unitTexts.map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) }
    }
}

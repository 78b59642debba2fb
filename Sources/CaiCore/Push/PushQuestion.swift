import CaiModel

/// One record of what is pushed: which directory of the index, and which of its records, the directory's own being 0.
package struct PushRecord: Hashable, Comparable, Sendable {
    package let block: Int
    package let number: Int

    package static func < (left: PushRecord, right: PushRecord) -> Bool {
        (left.block, left.number) < (right.block, right.number)
    }
}

/// What a service is asked, and which record each of those that are asked is.
package struct PushQuestion {
    private var text = PushText(PushIndex.head)
    private(set) package var records: [PushRecord] = []

    /// As it travels.
    package var bytes: [UInt8] { text.bytes }

    mutating func add(_ record: PushIndex.Kind, _ block: Int, _ number: Int) {
        text.add(record)
        records.append(PushRecord(block: block, number: number))
    }

    mutating func add(_ block: PushBlock, _ number: Int) {
        text.add(block)
        records += (0..<block.count).map { PushRecord(block: number, number: $0) }
    }
}

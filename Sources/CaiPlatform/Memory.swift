import CPlatform

/// Memory of this process.
package enum Memory {
    /// Gives the kernel back what nobody uses.
    package static func giveBack() { cai_give_back_memory() }
}

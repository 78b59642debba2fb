import CPlatform

/// Memory of this process.
package enum Memory {
    /// Has all threads allocate from one place. Else each of the threads that jobs come and go with leaves pieces behind in one
    /// of many, and a program that lives long holds several times what it uses. To be called before there is a thread.
    package static func share() { cai_share_memory() }

    /// Gives the kernel back what nobody uses.
    package static func giveBack() { cai_give_back_memory() }
}

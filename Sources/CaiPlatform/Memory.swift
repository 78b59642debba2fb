import CPlatform

/// Memory of this process.
package enum Memory {
    /// Has all threads allocate from one place. Else each of the threads that jobs come and go with leaves pieces behind in one
    /// of many, and a program that lives long holds several times what it uses. To be called before there is a thread.
    package static func share() { cai_share_memory() }

    /// Asks the kernel for memory seldom, and for much of it then: for a program that is over soon, and whose threads else wait
    /// for each other there.
    package static func takeInLargePieces() { cai_take_memory_in_large_pieces() }

    /// Gives the kernel back what nobody uses.
    package static func giveBack() { cai_give_back_memory() }
}

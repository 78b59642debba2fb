import CaiPlatform
import Dispatch
import Glibc
import Synchronization
import Testing

@Suite(.enabled(if: geteuid() == 0, "needs root: it becomes somebody else")) struct `Working as somebody else` {
    @Test func `only the thread that asks becomes somebody else`() throws {
        let other = Mutex<(user: UInt32, group: UInt32)?>(nil)
        let (looked, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let isInside = DispatchSemaphore(value: 0)
        DispatchQueue(label: "other").async {
            isInside.wait()
            other.withLock { $0 = (Identity.uid, Identity.gid) }
            looked.signal()
            done.signal()
        }
        let inside = try Identity.with(uid: 1000, gid: 1001) {
            isInside.signal()
            looked.wait()
            return (Identity.uid, Identity.gid)
        }
        done.wait()
        #expect(inside == (1000, 1001))
        #expect(other.withLock { $0?.user == 0 && $0?.group == 0 })
        #expect(Identity.uid == 0 && Identity.gid == 0)
    }

    @Test func `the threads that it starts work as the same`() throws {
        let users = try Identity.with(uid: 1000, gid: 1000) {
            Workers.map(Array(0..<64), threads: 4) { (_: Int) in Identity.uid }
        }
        #expect(users == [UInt32](repeating: 1000, count: 64))
        #expect(Workers.map(Array(0..<64), threads: 4) { (_: Int) in Identity.uid }.allSatisfy { $0 == 0 })
    }
}

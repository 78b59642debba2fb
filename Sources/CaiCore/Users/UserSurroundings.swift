import CaiModel
import CaiPlatform
import SystemPackage

/// What of a machine decides how accounts are made: who belongs to the image, which ids and shells there are.
struct UserSurroundings {
    private let workplace: Workplace
    private let loginDefinitions: [String: String]
    /// The users of the image: those of the presets, of the settings, and those in the list of the image (predecessors 2.1).
    let builtIn: Set<String>

    /// Throws when a file that is there cannot be read: accounts made without it could not be unmade.
    init(_ workplace: Workplace) throws {
        self.workplace = workplace
        // What is missing has the defaults of shadow-utils.
        let text = try workplace.root.readFileInRoot("/etc/login.defs", limit: 1 << 20) ?? []
        var definitions: [String: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count >= 2, !words[0].hasPrefix("#") { definitions[String(words[0])] = String(words[1]) }
        }
        loginDefinitions = definitions
        let file = try workplace.root.readFileInRoot("/etc/opencode-cloud/builtin-home-users.txt", limit: 1 << 20) ?? []
        let listed = String(decoding: file, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
        builtIn = Set(["opencoder", "ubuntu", workplace.settings.text(.user)] + listed)
    }

    /// UID_MIN to UID_MAX (login.defs(5)).
    var identifiers: ClosedRange<UInt32> {
        let low = loginDefinitions["UID_MIN"].flatMap { UInt32($0) } ?? 1000
        let high = loginDefinitions["UID_MAX"].flatMap { UInt32($0) } ?? 60000
        return low > 0 && low <= high && high < 1 << 31 ? low...high : 1000...60000
    }

    /// HOME_MODE, or what UMASK leaves (useradd(8)).
    var homeMode: UInt16 {
        if let mode = loginDefinitions["HOME_MODE"].flatMap({ UInt16($0, radix: 8) }) { return mode & 0o7777 }
        if let mask = loginDefinitions["UMASK"].flatMap({ UInt16($0, radix: 8) }) { return 0o777 & ~mask }
        return 0o700
    }

    /// Those of the shells named, and of those that stand in for them, that there are.
    func shells(named: [String]) -> Set<String> {
        Set(Set(named + ["/bin/bash", "/bin/sh"]).filter { workplace.root.existsInRoot(FilePath($0)) })
    }

    /// Who owns the directories below `/home`, by their names. Throws when that cannot be told: their numbers must not be
    /// given to others.
    func homeOwners() throws -> [String: (uid: UInt32, gid: UInt32)] {
        guard workplace.root.existsInRoot("/home") else { return [:] }
        let homes = try workplace.root.openInRoot("/home")
        var result: [String: (uid: UInt32, gid: UInt32)] = [:]
        for name in try homes.names() {
            guard let status = try homes.status(of: name), status.kind == .directory, status.uid != 0 else { continue }
            result[name.string] = (status.uid, status.gid)
        }
        return result
    }
}

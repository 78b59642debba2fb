import CaiTestSupport
import SystemPackage
import Testing

extension Trait where Self == ConditionTrait {
    /// Runs a test only as root; the skipped test says so.
    static var rootOnly: Self {
        .enabled(if: World.isRoot, "needs root: it makes devices, mounts or other users' files")
    }

    /// Runs a test only where a program is installed.
    static func needs(_ program: String) -> Self {
        .enabled(if: Command.exists(program), "\(program) is not installed")
    }
}

/// Holds a job to the promises that every job makes: the preview changes nothing and shows the steps that the real run
/// takes; no byte is lost; the second run has no step and writes nothing. Returns the real run.
@discardableResult
func expectPromises(
    _ arguments: [String], on world: World, wrapper: [String] = [], at place: SourceLocation = #_sourceLocation
) throws -> Finished {
    let before = try world.snapshot()
    let preview = try world.cai(arguments + ["--dry-run", "--json"], wrapper: wrapper)
    #expect(try world.snapshot().differences(from: before) == [], "the preview wrote", sourceLocation: place)

    let real = try world.cai(arguments + ["--json"], wrapper: wrapper)
    #expect(preview.json.steps == real.json.steps, "preview \(preview)\nreal \(real)", sourceLocation: place)
    #expect(preview.code == real.code, "preview \(preview)\nreal \(real)", sourceLocation: place)
    #expect(try world.lost(since: before) == [], "\(real)", sourceLocation: place)

    let after = try world.snapshot()
    let again = try world.cai(arguments + ["--json"], wrapper: wrapper)
    #expect(again.json.steps == [], "\(again)", sourceLocation: place)
    #expect(try world.snapshot().differences(from: after) == [], "the second run wrote", sourceLocation: place)
    #expect(!preview.hung && !real.hung && !again.hung, sourceLocation: place)
    return real
}

/// A wrapper that runs a program in a mount namespace of its own, in which a shell script prepared the mounts: they
/// vanish with the program. Needs root.
func inMountNamespace(_ script: String) -> [String] {
    ["unshare", "--mount", "--propagation", "private", "--", "sh", "-euc", script + "\nexec \"$@\"", "sh"]
}

/// A wrapper that runs a program as the agent's user, without any privilege. Needs root.
let asAgent = [
    "setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "--no-new-privs", "--bounding-set", "-all",
]

/// A wrapper that runs a program with a file mode creation mask.
func withUmask(_ mask: String) -> [String] { ["sh", "-c", "umask \(mask); exec \"$@\"", "sh"] }

/// A world in which every link of the built-in manifests is right.
func settledWorld(_ tree: Item = [:]) throws -> World {
    let world = try World(tree)
    let repair = try world.cai("links", "repair", "--quiet")
    try #require(repair.code == 0, "\(repair)")
    return world
}

extension World {
    /// The content of everything displaced, by its path below its run (`home/…`, `volume/…`); what later runs displaced
    /// from the same place has `#2`, `#3` and so on behind it. The lists of what runs added are left out.
    func displaced() throws -> [String: String] {
        let store = volume.appending(".containai/displaced")
        guard Files.exists(store) else { return [:] }
        var result: [String: String] = [:]
        // The file says when displaced secrets were last looked for.
        for run in try Files.names(store) where run != "swept" {
            let directory = store.appending(run.components)
            for (path, fact) in try Snapshot(of: directory).facts where path != "added" {
                var name = path.shown
                var number = 1
                while result[name] != nil {
                    number += 1
                    name = "\(path.shown)#\(number)"
                }
                switch fact.kind {
                case .file: result[name] = try Files.text(directory.appending(path.components))
                case .link: result[name] = "-> " + (fact.linkText?.shown ?? "")
                default: continue
                }
            }
        }
        return result
    }
}

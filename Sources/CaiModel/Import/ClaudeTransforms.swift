/// What a container needs to be different in the documents of Claude Code and Copilot (predecessors 1.6.6). Each returns
/// the text with every other byte as it was, or nil for a text that is not what it should be.
package enum AgentDocuments {
    /// `installed_plugins.json`: every plugin is the user's, and is where the container has it.
    package static func installedPlugins(_ bytes: [UInt8], homes: [String], home: String) -> [UInt8]? {
        guard let document = JSONDocument(anyDialect: bytes), document.root.kind == .object else { return nil }
        guard let plugins = document.root["plugins"] else { return bytes }
        var edits: [TextEdit] = []
        for (_, list) in plugins.members {
            for element in list.kind == .array ? list.elements : [list] where element.kind == .object {
                edits += scopeEdits(element, document)
                edits += pathEdits(element["installPath"], homes, home)
            }
        }
        guard let text = edited(bytes, edits), JSONDocument(anyDialect: text) != nil else { return nil }
        return text
    }

    private static func scopeEdits(_ plugin: JSONValue, _ document: JSONDocument) -> [TextEdit] {
        var edits: [TextEdit] = []
        let removed = document.nodes[plugin.index].children.filter { document.name(of: $0).text == "projectPath" }
        edits += document.removal(of: Set(removed), from: plugin.index)
        if let scope = plugin["scope"] {
            if scope.string != "user" { edits.append(TextEdit(scope.range, Array("\"user\"".utf8))) }
        } else {
            // In front of all members, so that it cannot meet a removal at the end.
            let start = plugin.range.lowerBound + 1
            let isLast = document.nodes[plugin.index].children.count == removed.count
            edits.append(TextEdit(insert: Array("\"scope\": \"user\"\(isLast ? "" : ", ")".utf8), at: start))
        }
        return edits
    }

    /// `known_marketplaces.json`: every `installLocation` is where the container has it.
    package static func knownMarketplaces(_ bytes: [UInt8], homes: [String], home: String) -> [UInt8]? {
        guard let document = JSONDocument(anyDialect: bytes), document.root.kind == .object else { return nil }
        let edits = document.root.members.flatMap { pathEdits($0.value["installLocation"], homes, home) }
        return edited(bytes, edits)
    }

    private static func pathEdits(_ value: JSONValue?, _ homes: [String], _ home: String) -> [TextEdit] {
        guard let value, let text = value.string else { return [] }
        let wanted = home + "/.claude/plugins/"
        for other in homes where text.hasPrefix(other + "/.claude/plugins/") {
            let moved = wanted + text.dropFirst((other + "/.claude/plugins/").count)
            return moved == text ? [] : [TextEdit(value.range, quotedJSON(moved))]
        }
        return []
    }

    /// `settings.json`: the plugins that are enabled in the container stay enabled; the source's word counts where both
    /// have one. A text that is empty gets what a container starts with.
    package static func settings(_ bytes: [UInt8], stored: [UInt8]?) -> [UInt8]? {
        guard let document = JSONDocument(anyDialect: isEmptyText(bytes) ? firstSettings : bytes),
            document.root.kind == .object
        else { return nil }
        guard let stored, let other = JSONDocument(anyDialect: stored), let plugins = other.root["enabledPlugins"]
        else {
            return document.bytes
        }
        var text = document.bytes
        for (name, value) in plugins.members {
            guard let now = JSONDocument(anyDialect: text), now.root["enabledPlugins"]?[name] == nil,
                let flag = value.bool
            else {
                continue
            }
            text = (try? now.setting(["enabledPlugins", name], to: .bool(flag))) ?? text
        }
        return text
    }

    private static let firstSettings = Array(
        """
        {
          "permissions": {
            "allow": [],
            "defaultMode": "dontAsk"
          },
          "autoUpdatesChannel": "latest"
        }

        """.utf8)

    /// Edits `copilot/config.json`, JSON with comments: it trusts the workspace and shows no banner. Releases that write
    /// `trustedFolders` keep the folders that are in it.
    package static func copilot(_ bytes: [UInt8], workspace: String) -> [UInt8]? {
        guard let document = JSONDocument(anyDialect: isEmptyText(bytes) ? Array("{}\n".utf8) : bytes),
            document.root.kind == .object
        else { return nil }
        var setting = JSONSetting(["trusted_folders"], .array([.string(workspace)]))
        if let folders = document.root["trustedFolders"] {
            let others = folders.elements.compactMap(\.string).filter { $0 != workspace }
            setting = JSONSetting(["trustedFolders"], .array((others + [workspace]).map { .string($0) }))
        }
        guard let trusting = try? document.setting(setting.path, to: setting.value),
            let next = JSONDocument(anyDialect: trusting)
        else { return nil }
        return try? next.setting(["banner"], to: .string("never"))
    }
}

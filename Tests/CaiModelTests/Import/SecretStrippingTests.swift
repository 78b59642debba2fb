import CaiModel
import SystemPackage
import Testing

@Suite struct `Secrets inside mixed files` {
    private func text(_ result: SecretStripping.Result?) -> String? {
        result.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test(arguments: [
        (#"{"env":{"A":"x"},"b":1}"#, #"{"env":{},"b":1}"#), (#"{"apiKey":"x","model":"m"}"#, #"{"model":"m"}"#),
        (#"{"mcpServers":{"a":{"headers":{"X":"y"}}}}"#, #"{"mcpServers":{"a":{"headers":{}}}}"#),
        (#"{"a":"ghp_0123456789"}"#, #"{}"#), (#"{"url":"https://u:p@h/"}"#, #"{}"#),
        (#"{"env":{"A":"${FROM_ENV}"}}"#, #"{"env":{"A":"${FROM_ENV}"}}"#), (#"{"maxTokens":5}"#, #"{"maxTokens":5}"#),
        (#"{"list":[{"token":"t"}],"k":true}"#, #"{"k":true}"#),
        (#"{"description":"a token"}"#, #"{"description":"a token"}"#),
    ])
    func `JSON keeps everything else as it is written`(_ before: String, _ after: String) {
        #expect(text(SecretStripping.json(Array(before.utf8))) == after)
        #expect(SecretStripping.jsonHoldsSecrets(Array(before.utf8)) == (before != after))
    }

    @Test func `what cannot be read is said so, not guessed`() {
        #expect(SecretStripping.json(Array("{".utf8)) == nil)
        #expect(SecretStripping.toml(Array("= x".utf8)) == nil)
        #expect(SecretStripping.toml(Array("token = \"\"\"\na\nb\"\"\"\n".utf8)) == nil)
    }

    @Test(arguments: [
        ("export GITHUB_TOKEN=x\nexport A=b\n", "export A=b\n"), ("API_KEY='x'\n", ""), ("A=sk-0123456789\n", ""),
        ("export TOKEN=$OTHER\n", "export TOKEN=$OTHER\n"), ("alias k=kubectl\n", "alias k=kubectl\n"),
    ])
    func `shell scripts lose the lines that give a secret to a variable`(_ before: String, _ after: String) {
        #expect(text(SecretStripping.shell(Array(before.utf8))) == after)
    }

    @Test(arguments: [
        ("a/.netrc", true), ("ssh/id_ed25519", true), ("ssh/id_ed25519.pub", false), ("x/server.pem", true),
        ("x/.env.local", true), ("aws/credentials", true), ("x/config", false), ("docker/config.json", true),
        ("claude/skills/a.md", false),
    ])
    func `names that hold secrets by custom`(_ path: String, _ isSecret: Bool) {
        #expect(isSecretByName(FilePath(path)) == isSecret)
    }
}

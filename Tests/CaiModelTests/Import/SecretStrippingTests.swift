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

    @Test(arguments: [
        (
            "// managed\n{\n  \"copilotTokens\": {\"https://h:me\": \"abc\"}, // login\n  \"theme\": \"d\",\n}\n",
            "// managed\n{\n  \"copilotTokens\": {}, // login\n  \"theme\": \"d\",\n}\n"
        ),
        (
            "{\n  // the key\n  \"apiKey\": \"x\", // of mine\n  /* m */ \"model\": \"m\"\n}\n",
            "{\n  // the key\n  /* m */ \"model\": \"m\"\n}\n"
        ),
        ("\u{FEFF}{\"token\":\"t\",\"a\":1}", "\u{FEFF}{\"a\":1}"),
        ("{\r\n\t\"a\": 1, // \"apiKey\": \"old-key-0123\"\r\n}\r\n", "{\r\n\t\"a\": 1,\r\n}\r\n"),
        (
            "{\n  // ghp_0123456789abcdef\n  \"a\": \"// Bearer 12345678\"\n}\n",
            "{\n  \"a\": \"// Bearer 12345678\"\n}\n"
        ),
        ("/* Authorization: Bearer abcdefgh1 */{\"a\":1}", "{\"a\":1}"),
        (
            "{\"a\":1} // put a token here, at most 4096 tokens\n",
            "{\"a\":1} // put a token here, at most 4096 tokens\n"
        ),
        ("{\"apiKeys\":[\"x\"],\"keys\":[\"ctrl+k\"],}", "{\"keys\":[\"ctrl+k\"],}"),
    ])
    func `JSON with comments, commas at the end or a byte order mark keeps the rest of its text`(
        _ before: String, _ after: String
    ) {
        #expect(text(SecretStripping.json(Array(before.utf8))) == after)
        #expect(SecretStripping.jsonHoldsSecrets(Array(before.utf8)) == (before != after))
        #expect(text(SecretStripping.json(Array(after.utf8))) == after)
    }

    @Test(arguments: [
        ("\u{FEFF}token = \"t\"\na = 1\n", "a = 1\n"), ("\u{FEFF}a = 1\ntoken = \"t\"\n", "\u{FEFF}a = 1\n"),
        ("# api_key = \"abcdefgh1\"\na = 1 # token\n", "a = 1 # token\n"),
        ("a = 1\r\ntoken = \"t\"\r\n", "a = 1\r\n"), ("[auth_tokens]\nhost = \"x\"\n", "[auth_tokens]\n"),
    ])
    func `TOML too`(_ before: String, _ after: String) {
        #expect(text(SecretStripping.toml(Array(before.utf8))) == after)
    }

    @Test func `a text of an unknown format is searched for what looks like a secret`() {
        #expect(SecretStripping.mayHoldSecret(unreadable: Array("{ \"token\": \"abcdefgh1".utf8)))
        #expect(SecretStripping.mayHoldSecret(unreadable: Array("x\n<<< ghp_0123456789\n".utf8)))
        #expect(!SecretStripping.mayHoldSecret(unreadable: Array("{ \"max_tokens\": 12345678".utf8)))
    }

    @Test func `what cannot be read is said so, not guessed`() {
        #expect(SecretStripping.json(Array("{".utf8)) == nil)
        #expect(SecretStripping.toml(Array("= x".utf8)) == nil)
        #expect(SecretStripping.toml(Array("token = \"\"\"\na\nb\"\"\"\n".utf8)) == nil)
    }

    @Test(arguments: [
        ("export GITHUB_TOKEN=x\nexport A=b\n", "export A=b\n"), ("API_KEY='x'\n", ""), ("A=sk-0123456789\n", ""),
        ("export TOKEN=$OTHER\n", "export TOKEN=$OTHER\n"),
        ("\u{FEFF}TOKEN=x\nA=b\n", "A=b\n"), ("#export TOKEN=abcdefgh1\n# a token\n", "# a token\n"),
        ("alias k=kubectl\n", "alias k=kubectl\n"),
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

package import SystemPackage

/// True if the text of a value looks like a token or a key, whatever its name is.
func looksSecret(_ text: String) -> Bool {
    let prefixes = [
        "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "AKIA",
        "ASIA",
        "AIza", "ya29.", "hf_", "npm_", "pypi-", "dop_v1_", "eyJhbGciOi", "Bearer ", "Basic ", "token ",
    ]
    return prefixes.contains { text.hasPrefix($0) && text.utf8.count >= $0.utf8.count + 8 }
        || text.contains("PRIVATE KEY-----")
}

/// True if a name, of a variable or a member, says that its value is a secret.
func namesSecret(_ name: String) -> Bool {
    let plain = name.lowercased().filter { $0.isLetter || $0.isNumber }
    let words = [
        "token", "secret", "password", "passwd", "passphrase", "apikey", "accesskey", "privatekey", "credential",
        "authorization", "authheader", "bearer", "cookie", "sessionkey", "oauth",
    ]
    let isCount = plain.hasSuffix("tokens") && !["authtokens", "accesstokens", "refreshtokens"].contains(plain)
    return !isCount && (words.contains { plain.contains($0) } || plain == "key" || plain == "auth" || plain == "pat")
}

/// True if the name of an object says that each value in it is a secret, such as `copilotTokens`.
func namesSecrets(_ name: String) -> Bool {
    let plain = name.lowercased().filter { $0.isLetter || $0.isNumber }
    return ["tokens", "credentials", "secrets", "passwords", "apikeys"].contains(where: plain.hasSuffix)
}

/// True if a comment, or a line of an unknown format, holds a secret: a token by its look, a URL with a password, or a name
/// of a secret with a value of at least 8 characters, a digit among them.
func commentHoldsSecret(_ bytes: some Sequence<UInt8>) -> Bool {
    let words = String(decoding: Array(bytes), as: UTF8.self)
        .split { $0.isWhitespace || "\"'`,;()[]{}<>".contains($0) }.map(String.init)
    if words.contains(where: { looksSecret($0) || urlHoldsCredentials($0) }) { return true }
    if words.contains("PRIVATE"), words.contains(where: { $0.hasPrefix("-----BEGIN") }) { return true }
    // A name and its value, with `=`, `:` or nothing between them.
    let parts = words.flatMap { $0.split { $0 == "=" || $0 == ":" } }.map(String.init)
    return zip(parts, parts.dropFirst()).contains { name, value in
        let isNamed = namesSecret(name) || ["Bearer", "Basic"].contains(name)
        return isNamed && value.utf8.count >= 8 && !value.hasPrefix("$") && value.contains(where: \.isNumber)
    }
}

/// True for names of files that hold secrets by custom, for paths that no manifest knows.
package func isSecretByName(_ path: FilePath) -> Bool {
    guard let name = path.lastComponent?.string.lowercased() else { return false }
    if name.hasSuffix(".pub") { return false }
    let exact: Set<String> = [
        ".netrc", "netrc", "_netrc", ".pgpass", "pgpass", ".npmrc", "npmrc", ".pypirc", "pypirc", ".git-credentials",
        "git-credentials", "credentials", ".credentials", "credentials.json", ".credentials.json", "auth.json",
        "hosts.yml", "oauth_creds.json", "token", "token.json", "tokens.json", ".htpasswd", "kubeconfig", ".dockercfg",
        "secrets.json", "secrets.yml", "secrets.yaml", "secrets.toml", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
        ".my.cnf", "application_default_credentials.json", "access_tokens.db", "service_account.json",
    ]
    let endings = [".pem", ".key", ".p12", ".pfx", ".kdbx", ".jks", ".keystore", ".asc", ".gpg", ".ppk"]
    if exact.contains(name) || name.hasPrefix("id_") || endings.contains(where: name.hasSuffix) { return true }
    if name == ".env" || name.hasPrefix(".env.") || name.hasSuffix(".env") { return true }
    let parent = path.removingLastComponent().lastComponent?.string.lowercased() ?? ""
    return [".aws", "aws", ".kube", "kube", ".docker", "docker"].contains(parent)
        && ["config", "config.json"].contains(name)
        || [".gnupg", "gnupg", "private-keys-v1.d"].contains(parent)
}

/// True if the first bytes of a file are those of a private key.
package func isSecretByContent(_ head: [UInt8]) -> Bool {
    let text = String(decoding: head.prefix(4096), as: UTF8.self)
    return text.contains("-----BEGIN") && text.contains("PRIVATE KEY")
}

import CaiModel
import SystemPackage

/// What is wrong with the account files by themselves.
struct AccountLint {
    let database: AccountDatabase
    let label: FilePath

    init(_ database: AccountDatabase, label: FilePath) {
        self.database = database
        self.label = label
    }

    var findings: [Finding] {
        let tables: [(String, AccountTable?, Int)] = [
            ("passwd", database.passwd, 7), ("group", database.group, 4), ("shadow", database.shadow, 9),
            ("gshadow", database.gshadow, 4),
        ]
        var result: [Finding] = []
        for (name, table, count) in tables {
            for line in table?.malformedLines(fieldCount: count) ?? [] {
                result.append(
                    Finding(
                        .warning, at: "\(label.appending(name).printable):\(line)",
                        "the line is no entry and is left as it is"))
            }
        }
        guard let shadow = database.shadow else { return result }
        for account in database.accounts where shadow.fields(of: account.name) == nil {
            result.append(
                Finding(
                    .warning, at: label.appending("shadow").printable,
                    "\(FilePath(account.name).printable) has no entry",
                    advice: "pwck -q"))
        }
        return result
    }
}

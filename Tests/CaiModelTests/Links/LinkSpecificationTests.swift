import CaiModel
import SystemPackage
import Testing

@Suite struct `Link specifications` {
    private static func wrap(_ links: String, home: String = "\"/home/agent\"") -> [UInt8] {
        Array("{\"version\":1,\"data_mount\":\"/mnt/agent-data\",\"home_dir\":\(home),\"links\":[\n\(links)]}".utf8)
    }

    private static let good = "{\"link\":\"/home/agent/.a\",\"target\":\"/mnt/agent-data/a\",\"remove_first\":0}"

    @Test(arguments: [
        ("true", true), ("\"true\"", true), ("1", true), ("\"1\"", true), ("false", false), ("\"false\"", false),
        ("0", false),
        ("null", false), ("\"yes\"", false), ("[]", false), ("2", false),
    ])
    func `the flag is read in the four ways it is written`(flag: String, isSet: Bool) throws {
        let text =
            "{\"link\":\"/home/agent/.c/x\",\"target\":\"/mnt/agent-data/c/x/\",\"remove_first\":\(flag),\"more\":1}"
        let (specification, findings) = LinkSpecification.read(Self.wrap(text), file: "s.json")
        #expect(findings.isEmpty)
        let link = SpecifiedLink(link: try HomePath(".c/x"), target: try VolumePath("c/x"), removeFirst: isSet)
        #expect(specification?.links == [link])
        #expect(specification?.home == "/home/agent")
        #expect(specification?.volume == "/mnt/agent-data")
    }

    @Test(arguments: [
        ("{\"link\":null,\"target\":null}", "\"link\" is missing"),
        ("{\"target\":\"/mnt/agent-data/a\"}", "\"link\" is missing"),
        ("{\"link\":\"/home/agent/a\"}", "\"target\" is missing"),
        ("{\"link\":5,\"target\":\"x\"}", "\"link\" is not text"),
        ("null", "it is not an object"), ("{\"link\":\"\"}", "\"link\" is not an absolute path"),
        ("{\"link\":\"/etc/passwd\"}", "\"link\" does not lie below \"home_dir\""),
        ("{\"link\":\"/home/agent\"}", "\"link\" does not lie below \"home_dir\""),
        ("{\"link\":\"/home/agent2/x\"}", "\"link\" does not lie below \"home_dir\""),
        ("{\"link\":\"/home/agent/../x\"}", "\"link\" contains \"..\"; it must stay inside its directory"),
        ("{\"link\":\"/home/agent/\\u0000\"}", "\"link\" contains a NUL character"),
        ("{\"link\":\"/home/agent/a\\nb\"}", "\"link\" contains a line break"),
        ("{\"link\":\"//home/agent/a\"}", "\"link\" contains an empty or \".\" component"),
        (
            "{\"link\":\"/home/agent/a\",\"target\":\"/mnt/agent-dataa/x\"}",
            "\"target\" does not lie below \"data_mount\""
        ),
        (
            "{\"link\":\"/home/agent/a\",\"target\":\"/mnt/agent-data/\"}",
            "\"target\" does not lie below \"data_mount\""
        ),
        ("{\"link\":\"/home/agent/a\",\"target\":\"a\"}", "\"target\" is not an absolute path"),
    ])
    func `a bad link is one finding with its index, and the others work`(text: String, sentence: String) {
        let (specification, findings) = LinkSpecification.read(Self.wrap(Self.good + ",\n " + text), file: "s.json")
        #expect(findings == [Finding(.warning, at: "s.json:3:2", "links[1]: \(sentence)")])
        #expect(specification?.links.map(\.link.description) == [".a"])
    }

    @Test(arguments: [
        (Array("{\n  \"links\": [}".utf8), "s.json:2:13", "a value is missing"),
        (Array("[]".utf8), "s.json:1:1", "it is not an object"),
        (Array("{\"home_dir\":1}".utf8), "s.json:1:1", "it has no list of links"),
        (wrap("", home: "null"), "s.json:1:1", "\"home_dir\" is missing"),
        (wrap("", home: "\"/\""), "s.json:1:1", "\"home_dir\" is empty"),
        (wrap("", home: "\"/a/..\""), "s.json:1:1", "\"home_dir\" contains \"..\"; it must stay inside its directory"),
        (Array("{\"version\": 2, \"links\":[]}".utf8), "s.json:1:13", "its version is not 1"),
        ([], "s.json:1:1", "the text ends where a value is missing"),
    ])
    func `a bad file is one finding with its place`(text: [UInt8], place: String, sentence: String) {
        let (specification, findings) = LinkSpecification.read(text, file: "s.json")
        #expect(specification == nil)
        #expect(findings == [Finding(.error, at: place, "not a link specification: \(sentence)")])
    }

    @Test func `of two entries for one link the later one counts`() throws {
        let other = Self.good.replacing("agent-data/a", with: "agent-data/b")
        let (specification, findings) = LinkSpecification.read(
            Self.wrap([Self.good, Self.good, other].joined(separator: ",")), file: "s.json")
        #expect(specification?.links.map(\.target.description) == ["b"])
        #expect(findings.map(\.sentence) == ["links[2]: it is the same link as an earlier one; this one counts"])
    }

    @Test func `ten thousand bad links are not ten thousand findings`() {
        let (specification, findings) = LinkSpecification.read(
            Self.wrap(Array(repeating: "{}", count: 10_000).joined(separator: ",")), file: "s.json")
        #expect(specification?.links.isEmpty == true)
        #expect(findings.count == 101)
        #expect(findings.last?.sentence == "9900 more links cannot be used")
    }

    @Test func `what is written is sorted, pretty and read back`() throws {
        let links = [
            SpecifiedLink(link: try HomePath(".z"), target: try VolumePath("z \"q\""), removeFirst: true),
            SpecifiedLink(link: try HomePath(".a/b"), target: try VolumePath("ä"), removeFirst: false),
        ]
        let specification = LinkSpecification(home: "/home/agent", volume: "/mnt/agent-data", links: links)
        #expect(
            String(decoding: specification.text, as: UTF8.self) == """
                {
                  "data_mount": "/mnt/agent-data",
                  "home_dir": "/home/agent",
                  "links": [
                    {
                      "link": "/home/agent/.a/b",
                      "remove_first": 0,
                      "target": "/mnt/agent-data/ä"
                    },
                    {
                      "link": "/home/agent/.z",
                      "remove_first": 1,
                      "target": "/mnt/agent-data/z \\"q\\""
                    }
                  ],
                  "version": 1
                }

                """)
        let (read, findings) = LinkSpecification.read(specification.text, file: "s.json")
        #expect(findings.isEmpty)
        #expect(read.map { Set($0.links) } == Set(links))
        #expect(read?.text == specification.text)
    }
}

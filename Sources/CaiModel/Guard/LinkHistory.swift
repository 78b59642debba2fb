/// What somebody who watches a link knows about it beside the baseline.
package struct LinkHistory: Hashable, Sendable {
    /// Whether the link was seen to be right: what stands in its place now was saved after that.
    package var wasRight: Bool
    /// What was adopted from its place last. An application that saves again has replaced that itself, as it would have
    /// done where there are no links.
    package var adopted: ContentDigest?

    package init(wasRight: Bool = false, adopted: ContentDigest? = nil) {
        self.wasRight = wasRight
        self.adopted = adopted
    }

    /// What is certain about a file that stands in the place of the link, before the baseline is asked.
    func verdict(
        _ live: FileFacts, _ liveContent: ContentSample, _ stored: FileFacts, _ storedContent: ContentSample
    ) -> Verdict? {
        if storedContent.digest == adopted { return .take }
        // Somebody wrote through the link since, and an application then saved what it had saved before. The baseline
        // cannot tell that from a file that nobody touched.
        if wasRight, liveContent.digest == adopted, live.modified >= stored.modified { return .takeOver }
        return nil
    }
}

/**
 * What belongs to a failed test beside the text of its failure: what it set, which step it was in, what services
 * printed, what was logged. Shown below the test's first failure, in the order of the witnesses.
 */
export interface Witness {
  /** Before the hooks of a test, and again before each retry: what it knew of the test is forgotten. */
  testStart?(test: object): void;
  /** Before `about`, when the test has failed: what must be asked for is asked for. */
  gather?(test: object): Promise<void>;
  /** What it has seen of the test; undefined when there is nothing to show. */
  about(test: object): Evidence | undefined;
}

/** One block of text. */
export interface Evidence {
  /** `qa.state` */
  title: string;
  /** Its lines, without indentation. */
  text: string;
}

/** The blocks as they stand below a failure. */
export function formatEvidence(evidence: readonly Evidence[]): string {
  return evidence.map(({ title, text }) => `${title}:\n  ${text.replaceAll('\n', '\n  ')}`).join('\n\n');
}

/**
 * Where our daemon answers otherwise than containerd 1.6, and why. An entry
 * that is not needed is an error: this list says what is, no more.
 */

export interface Known {
  /** Matches `GROUP: STEP`. */
  readonly step: RegExp;
  /** Matches the path of the field; any by default. */
  readonly path?: RegExp;
  /** What containerd says there; anything by default. */
  readonly theirs?: string;
  readonly why: string;
}

export const KNOWN: readonly Known[] = [
  {
    step: /^namespaces: events$/,
    why: "What happens to a namespace is told in that namespace, where who " +
      "watches it looks; containerd tells it where the caller was",
  },
  {
    step: /^containers: a bad expression$/,
    why: "A regular expression that is none is refused; containerd takes it " +
      "for one that nothing matches",
  },
  {
    step: /^containers: (spec by mask|read after (masks|all))$/,
    path: /^answer\.container\.extensions\.e$/,
    why: "Extensions that were replaced are gone; containerd says so, and " +
      "has them again when the record is read",
  },
  {
    step: /^images: without a name$/,
    why: "An image without a name is not found; containerd says what its " +
      "database says",
  },
  {
    step: /^leases: a label too large$/,
    why: "Labels of leases have the limit of all labels",
  },
  {
    step: /^content: write of nothing$/,
    why: "Whoever writes nothing is told that the ref is missing",
  },
  {
    step: /^content: /,
    path: /^answer\.[1-3]$/,
    why: "Each request is answered once; containerd repeats its last answer " +
      "at the end of the stream, when nobody reads it",
  },
  {
    step: /^content: write and commit at once$/,
    path: /^answer\.1\.(startedAt|updatedAt|total)$/,
    why:
      "Only who asks for the status is told of it; containerd repeats what " +
      "it said before on the same stream",
  },
  {
    step: /^content: (is it still there|and now)$/,
    path: /^answer\.status\.(total|expected)$/,
    why: "The status says what was expected last, not first",
  },
  {
    step: /^content: (listed|by digest|by label)$/,
    path: /updatedAt$/,
    why: "Lists have the time of the last change as well",
  },
  {
    step: /^content: by size$/,
    why: "Content can be chosen by its size",
  },
  {
    step: /^content: a bad expectation$/,
    why: "A digest that is none is refused at once, not at the commit",
  },
  {
    step: /^(content|diff): events$/,
    why: "New content is told of, as containerd does from 2.1 on",
  },
  {
    step: /^snapshots: (a bad filter|an empty key)$/,
    why: "What is wrong with an argument is called an invalid argument",
  },
  {
    step: /^snapshots: what it holds then$/,
    why: "Who prepares what is there already holds it from then on, as with " +
      "containerd from 2.0 on",
  },
  {
    step: /^snapshots: cleaned up$/,
    why: "Our overlay snapshotter can clean up",
  },
  {
    step: /^snapshots: native$/,
    path: /source$/,
    why: "Where a native snapshot lies is the snapshotter's business",
  },
  {
    step: /^diff: applied what is no (layer|archive)$/,
    why: "What can't be unpacked is told apart: an unknown kind of layer, or " +
      "a damaged one",
  },
  {
    step: /^tasks: /,
    path: /^code$/,
    theirs: "unknown",
    why: "What a task's state does not allow is a failed precondition, and " +
      "what is wrong with an argument an invalid argument; containerd's shim " +
      "calls both unknown",
  },
  {
    step: /^tasks: an exec that can't be, (read|deleted)$/,
    why: "An exec that could not be started has ended, with a code of its " +
      "own; containerd's shim has it as made for ever",
  },
  {
    step: /^tasks: deleted before the start$/,
    why: "A task that never ran was killed to be deleted, and says so",
  },
  {
    step: /^happenings: a bad filter$/,
    why: "What is wrong with an argument is called an invalid argument",
  },
];

/** Labels: small strings on any record. Key and value ≤ 4096 bytes together. */

export type Labels = Readonly<Record<string, string>>;

/** Labels with a meaning for the engine. Suffixes are never validated. */
export const LABEL = {
  /** On anything: a root of garbage collection. */
  gcRoot: "containerd.io/gc.root",
  /** On anything, as a prefix: a reference to content by digest. */
  gcRefContent: "containerd.io/gc.ref.content",
  /** As a prefix, followed by `.SNAPSHOTTER`: a reference to a snapshot. */
  gcRefSnapshot: "containerd.io/gc.ref.snapshot",
  /** As a prefix: a reference to an image. */
  gcRefImage: "containerd.io/gc.ref.image",
  /** On leases and images: RFC 3339 time of expiry. */
  gcExpire: "containerd.io/gc.expire",
  /** On leases: do not follow the labels of what is leased. */
  gcFlat: "containerd.io/gc.flat",
  /** On compressed layers: the diff ID. */
  uncompressed: "containerd.io/uncompressed",
  /** On leases: the process that they end with, as the store writes it. */
  leaseHolder: "coracle.io/holder",
  /** Prefix, followed by `.HOST`: repositories that hold this content. */
  distributionSource: "containerd.io/distribution.source",
  /** On namespaces, `true`: others get its content by its digest alone. */
  shareable: "containerd.io/namespace.shareable",
  /** On an unpack snapshot: the chain ID that it will be committed as. */
  snapshotRef: "containerd.io/snapshot.ref",
  /** Prefix of labels that snapshotters receive and inherit. */
  snapshotPrefix: "containerd.io/snapshot/",
  /** As a prefix, on an object that lives as long as what it names. */
  gcBackRef: "containerd.io/gc.bref",
  /** On containers: the name given by the user, unique in the namespace. */
  containerName: "coracle.io/name",
  defaultRuntime: "containerd.io/defaults/runtime",
  defaultSnapshotter: "containerd.io/defaults/snapshotter",
} as const;

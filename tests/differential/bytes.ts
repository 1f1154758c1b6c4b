/** Calls of the services that keep bytes. */

import {
  ContentDefinition,
  WriteAction,
} from "../../proto/gen/containerd/services/content/v1/content.ts";
import { DiffDefinition } from "../../proto/gen/containerd/services/diff/v1/diff.ts";
import { LeasesDefinition } from "../../proto/gen/containerd/services/leases/v1/leases.ts";
import { SnapshotsDefinition } from "../../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import { bytes, caller, digestOf, type Fields, type Step } from "./side.ts";

/** Or the collector might come at any time. */
const HELD = { lease: "keep" };
const content = caller(ContentDefinition, HELD);
const snapshots = caller(SnapshotsDefinition, HELD);
const diff = caller(DiffDefinition, HELD);
const leases = caller(LeasesDefinition);

const HELLO = "hello, harbour\n";
const DIGEST = await digestOf(HELLO);
const OTHER = "another cargo";
const OTHER_DIGEST = await digestOf(OTHER);
const EMPTY_DIGEST = await digestOf("");
const NONE = `sha256:${"0".repeat(64)}`;
const big = "x".repeat(4097);

const write = (...messages: readonly Fields[]) => content("write", messages);
const STAT = { action: WriteAction.STAT };
const WRITE = { action: WriteAction.WRITE };
const COMMIT = { action: WriteAction.COMMIT };

export const contentSteps: readonly Step[] = [
  ["a lease for all that follows", leases("create", { id: "keep" })],
  ["there is nothing", content("list")],
  ["info of what is not there", content("info", { digest: NONE })],
  ["info of a bad digest", content("info", { digest: "nosuch" })],
  ["info of an empty digest", content("info", { digest: "" })],
  ["read of what is not there", content("read", { digest: NONE })],
  ["read of a bad digest", content("read", { digest: "nosuch" })],
  ["status of what is not there", content("status", { ref: "nosuch" })],
  ["abort of what is not there", content("abort", { ref: "nosuch" })],
  ["statuses", content("listStatuses")],
  ["write without a ref", write(STAT)],
  ["write of nothing", write()],
  ["a new ingest", write({ ...STAT, ref: "r1" })],
  ["its status", content("status", { ref: "r1" })],
  [
    "the first bytes",
    write({ ...WRITE, ref: "r1", offset: 0n, data: bytes("hello, ") }),
  ],
  ["how far it is", write({ ...STAT, ref: "r1" })],
  [
    "a wrong offset",
    write({ ...WRITE, ref: "r1", offset: 3n, data: bytes("x") }),
  ],
  [
    "an offset beyond",
    write({ ...WRITE, ref: "r1", offset: 99n, data: bytes("x") }),
  ],
  [
    "the rest",
    write({ ...WRITE, ref: "r1", offset: 7n, data: bytes("harbour\n") }),
  ],
  ["listed as an ingest", content("listStatuses")],
  ["by ref", content("listStatuses", { filters: ["ref==r1"] })],
  ["by another ref", content("listStatuses", { filters: ["ref==r2"] })],
  ["a bad filter of ingests", content("listStatuses", { filters: ["ref=="] })],
  [
    "a wrong total",
    write({ ...COMMIT, ref: "r1", total: 3n, expected: DIGEST, offset: 15n }),
  ],
  ["is it still there", content("status", { ref: "r1" })],
  [
    "written anew",
    write({ ...WRITE, ref: "r2", offset: 0n, data: bytes(HELLO) }),
  ],
  [
    "a wrong digest",
    write({ ...COMMIT, ref: "r2", offset: 15n, expected: NONE }),
  ],
  ["and now", content("status", { ref: "r2" })],
  [
    "write and commit at once",
    write(
      { ...STAT, ref: "r3", total: 15n, expected: DIGEST },
      {
        ...COMMIT,
        ref: "r3",
        offset: 0n,
        data: bytes(HELLO),
        total: 15n,
        expected: DIGEST,
        labels: { l: "1" },
      },
    ),
  ],
  ["info", content("info", { digest: DIGEST })],
  ["listed", content("list")],
  ["by digest", content("list", { filters: [`digest==${DIGEST}`] })],
  ["by size", content("list", { filters: ["size==15"] })],
  ["by label", content("list", { filters: ["labels.l==1"] })],
  ["by another label", content("list", { filters: ["labels.l==2"] })],
  ["a bad filter", content("list", { filters: ["size=="] })],
  ["read", content("read", { digest: DIGEST })],
  ["read from", content("read", { digest: DIGEST, offset: 7n })],
  ["read part", content("read", { digest: DIGEST, offset: 2n, size: 3n })],
  ["read at the end", content("read", { digest: DIGEST, offset: 15n })],
  ["read beyond", content("read", { digest: DIGEST, offset: 16n })],
  [
    "read too much",
    content("read", { digest: DIGEST, offset: 10n, size: 30n }),
  ],
  ["read before", content("read", { digest: DIGEST, offset: -1n })],
  ["read less than nothing", content("read", { digest: DIGEST, size: -5n })],
  [
    "what is there already",
    write({ ...STAT, ref: "r4", expected: DIGEST, total: 15n }),
  ],
  [
    "what is there already, at the commit",
    write(
      { ...WRITE, ref: "r5", offset: 0n, data: bytes(HELLO) },
      { ...COMMIT, ref: "r5", offset: 15n, expected: DIGEST },
    ),
  ],
  [
    "unknown in another namespace",
    content("info", { digest: DIGEST }, { namespace: "empty" }),
  ],
  [
    "said to be known in another namespace",
    content("write", [{ ...STAT, ref: "s", expected: DIGEST, total: 15n }], {
      namespace: "shared",
    }),
  ],
  [
    "committed in another namespace",
    content("write", [{
      ...COMMIT,
      ref: "s",
      expected: DIGEST,
      total: 15n,
      offset: 15n,
    }], { namespace: "shared" }),
  ],
  [
    "known there, too",
    content("info", { digest: DIGEST }, { namespace: "shared" }),
  ],
  [
    "nothing at all",
    write({ ...COMMIT, ref: "e", expected: EMPTY_DIGEST, offset: 0n }),
  ],
  ["info of nothing", content("info", { digest: EMPTY_DIGEST })],
  ["read of nothing", content("read", { digest: EMPTY_DIGEST })],
  [
    "a ref that changes",
    write({ ...STAT, ref: "c1" }, { ...STAT, ref: "c2" }),
  ],
  [
    "an expectation that changes",
    write(
      { ...STAT, ref: "c3", expected: DIGEST.replace(/.$/, "0") },
      { ...STAT, ref: "c3", expected: NONE },
    ),
  ],
  [
    "a bad expectation",
    write({ ...STAT, ref: "c4", expected: "sha256:nosuch" }),
  ],
  [
    "labels by mask",
    content("update", {
      info: { digest: DIGEST, labels: { m: "2" } },
      updateMask: ["labels.m"],
    }),
  ],
  [
    "all labels by mask",
    content("update", {
      info: { digest: DIGEST, labels: { n: "3" } },
      updateMask: ["labels"],
    }),
  ],
  [
    "labels without mask",
    content("update", { info: { digest: DIGEST, labels: { o: "4" } } }),
  ],
  [
    "an unknown mask",
    content("update", { info: { digest: DIGEST }, updateMask: ["size"] }),
  ],
  [
    "a label too large",
    content("update", {
      info: { digest: DIGEST, labels: { a: big } },
      updateMask: ["labels"],
    }),
  ],
  [
    "update of what is not there",
    content("update", { info: { digest: NONE, labels: { a: "1" } } }),
  ],
  [
    "update of a bad digest",
    content("update", { info: { digest: "x", labels: { a: "1" } } }),
  ],
  ["info at last", content("info", { digest: DIGEST })],
  [
    "an ingest to abort",
    write({ ...WRITE, ref: "gone", offset: 0n, data: bytes("x") }),
  ],
  ["aborted", content("abort", { ref: "gone" })],
  ["aborted twice", content("abort", { ref: "gone" })],
  [
    "truncated by an offset of nought",
    write(
      { ...WRITE, ref: "t", offset: 0n, data: bytes("rubbish") },
      { ...WRITE, ref: "t", offset: 0n, data: bytes(OTHER) },
      { ...COMMIT, ref: "t", offset: 13n, expected: OTHER_DIGEST },
    ),
  ],
  ["deleted", content("delete", { digest: OTHER_DIGEST })],
  ["deleted twice", content("delete", { digest: OTHER_DIGEST })],
  ["delete of a bad digest", content("delete", { digest: "nosuch" })],
];

const OVERLAY = { snapshotter: "overlayfs" };
const snapshot = (method: string, request: Fields = {}) =>
  snapshots(method, { ...OVERLAY, ...request });

export const snapshotSteps: readonly Step[] = [
  ["there are none", snapshot("list")],
  ["no snapshotter", snapshots("list")],
  ["an unknown snapshotter", snapshots("list", { snapshotter: "nosuch" })],
  ["one that is not there", snapshot("stat", { key: "nosuch" })],
  ["mounts of what is not there", snapshot("mounts", { key: "nosuch" })],
  ["usage of what is not there", snapshot("usage", { key: "nosuch" })],
  [
    "prepared on what is not there",
    snapshot("prepare", { key: "k", parent: "nosuch" }),
  ],
  [
    "prepared",
    snapshot("prepare", { key: "base", labels: { a: "1" } }),
  ],
  ["prepared twice", snapshot("prepare", { key: "base" })],
  ["its mounts", snapshot("mounts", { key: "base" })],
  ["its record", snapshot("stat", { key: "base" })],
  ["on an active one", snapshot("prepare", { key: "k", parent: "base" })],
  [
    "committed",
    snapshot("commit", { key: "base", name: "layer", labels: { b: "2" } }),
  ],
  ["committed twice", snapshot("commit", { key: "base", name: "layer" })],
  ["its record, then", snapshot("stat", { key: "layer" })],
  ["mounts of a committed one", snapshot("mounts", { key: "layer" })],
  ["its usage", snapshot("usage", { key: "layer" })],
  ["on top", snapshot("prepare", { key: "top", parent: "layer" })],
  ["mounts on top", snapshot("mounts", { key: "top" })],
  ["a view", snapshot("view", { key: "look", parent: "layer" })],
  ["a view of nothing", snapshot("view", { key: "void" })],
  ["commit of a view", snapshot("commit", { key: "look", name: "l2" })],
  [
    "commit of what is committed",
    snapshot("commit", { key: "layer", name: "l3" }),
  ],
  [
    "commit under a name that is taken",
    snapshot("commit", { key: "top", name: "layer" }),
  ],
  ["the key of a committed one", snapshot("prepare", { key: "layer" })],
  ["listed", snapshot("list")],
  ["by kind", snapshot("list", { filters: ["kind==active"] })],
  ["by parent", snapshot("list", { filters: ["parent==layer"] })],
  ["by name", snapshot("list", { filters: ["name==top"] })],
  ["by label", snapshot("list", { filters: ["labels.b==2"] })],
  ["a bad filter", snapshot("list", { filters: ["kind=="] })],
  [
    "a label by mask",
    snapshot("update", {
      info: { name: "top", labels: { x: "1" } },
      updateMask: ["labels.x"],
    }),
  ],
  [
    "labels without mask",
    snapshot("update", { info: { name: "top", labels: { y: "1" } } }),
  ],
  [
    "an unknown mask",
    snapshot("update", { info: { name: "top" }, updateMask: ["parent"] }),
  ],
  [
    "a label too large",
    snapshot("update", {
      info: { name: "top", labels: { a: big } },
      updateMask: ["labels"],
    }),
  ],
  [
    "update of what is not there",
    snapshot("update", { info: { name: "nosuch", labels: { a: "1" } } }),
  ],
  [
    "with labels for the snapshotter",
    snapshot("prepare", {
      key: "labelled",
      parent: "layer",
      labels: { "containerd.io/snapshot/x": "1", "containerd.io/gc.root": "1" },
    }),
  ],
  ["its labels", snapshot("stat", { key: "labelled" })],
  [
    "prepared for what is there",
    snapshot("prepare", {
      key: "again",
      labels: { "containerd.io/snapshot.ref": "layer" },
    }),
  ],
  ["its key, then", snapshot("stat", { key: "again" })],
  ["a lease of its own", leases("create", { id: "snap" })],
  [
    "prepared for what is there, with it",
    snapshots("prepare", {
      ...OVERLAY,
      key: "again",
      labels: { "containerd.io/snapshot.ref": "layer" },
    }, { lease: "snap" }),
  ],
  [
    "viewed for what is there, with it",
    snapshots("view", {
      ...OVERLAY,
      key: "again",
      labels: { "containerd.io/snapshot.ref": "layer" },
    }, { lease: "snap" }),
  ],
  ["what it holds then", leases("listResources", { id: "snap" })],
  ["the lease gone", leases("delete", { id: "snap" })],
  [
    "prepared for what is not",
    snapshot("prepare", {
      key: "first",
      labels: { "containerd.io/snapshot.ref": "nosuch" },
    }),
  ],
  ["a parent removed", snapshot("remove", { key: "layer" })],
  ["an empty key", snapshot("prepare", { key: "" })],
  ["removed", snapshot("remove", { key: "labelled" })],
  ["removed twice", snapshot("remove", { key: "labelled" })],
  ["cleaned up", snapshot("cleanup")],
  [
    "another namespace",
    snapshots("list", OVERLAY, { namespace: "empty" }),
  ],
  [
    "the same key there",
    // Without a lease there; when the collector comes differs.
    snapshots("prepare", {
      ...OVERLAY,
      key: "top",
      labels: { "containerd.io/gc.root": "yes" },
    }, { namespace: "shared" }),
  ],
  ["native", snapshots("prepare", { snapshotter: "native", key: "n" })],
  [
    "native removed",
    snapshots("remove", { snapshotter: "native", key: "n" }),
  ],
];

interface Mounted {
  readonly mounts: readonly Fields[];
}

const mountsOf = (key: string): Step[1] => async (side) => {
  const { mounts } = await snapshot("mounts", { key })(side) as Mounted;
  side.kept.set(key, mounts);
  return mounts.length;
};

export const diffSteps: readonly Step[] = [
  ["two to compare", async (side) => {
    await snapshot("prepare", { key: "d-low" })(side);
    const { mounts } = await snapshot("mounts", {
      key: "d-low",
    })(side) as Mounted;
    const source = String(mounts[0]?.["source"]);
    await Deno.writeTextFile(`${source}/file`, "below");
    await Deno.utime(`${source}/file`, 1, 1);
    await snapshot("commit", { key: "d-low", name: "d-base" })(side);
    await snapshot("view", { key: "d-view", parent: "d-base" })(side);
    await snapshot("prepare", { key: "d-up", parent: "d-base" })(side);
    return "done";
  }],
  ["mounts of the lower", mountsOf("d-view")],
  ["mounts of the upper", mountsOf("d-up")],
  ["no difference", async (side) =>
    await diff("diff", {
      left: side.kept.get("d-view"),
      right: side.kept.get("d-up"),
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      ref: "diff-1",
    })(side)],
  ["an unknown media type", async (side) =>
    await diff("diff", {
      left: side.kept.get("d-view"),
      right: side.kept.get("d-up"),
      mediaType: "text/plain",
    })(side)],
  ["applied what is not there", async (side) =>
    await diff("apply", {
      diff: {
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest: NONE,
        size: 10n,
      },
      mounts: side.kept.get("d-up"),
    })(side)],
  ["applied what is no layer", async (side) =>
    await diff("apply", {
      diff: { mediaType: "text/plain", digest: DIGEST, size: 15n },
      mounts: side.kept.get("d-up"),
    })(side)],
  ["applied what is no archive", async (side) =>
    await diff("apply", {
      diff: {
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest: DIGEST,
        size: 15n,
      },
      mounts: side.kept.get("d-up"),
    })(side)],
  ["applied a layer", async (side) => {
    const made = await diff("diff", {
      left: [],
      right: side.kept.get("d-view"),
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      ref: "diff-2",
    })(side) as { diff: Fields };
    await snapshot("prepare", { key: "d-new" })(side);
    const { mounts } = await snapshot("mounts", {
      key: "d-new",
    })(side) as Mounted;
    const { applied } = await diff("apply", {
      diff: made.diff,
      mounts,
    })(side) as { applied: Fields };
    const source = String(mounts[0]?.["source"]);
    const mediaTypes = [made.diff["mediaType"], applied["mediaType"]];
    return [mediaTypes, await Deno.readTextFile(`${source}/file`)];
  }],
  ["tidied up", async (side) => {
    for (const key of ["d-new", "d-up", "d-view", "d-base"]) {
      await snapshot("remove", { key })(side);
    }
    return "done";
  }],
];

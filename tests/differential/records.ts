/** Calls of the services that keep records. */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import { ImagesDefinition } from "../../proto/gen/containerd/services/images/v1/images.ts";
import { LeasesDefinition } from "../../proto/gen/containerd/services/leases/v1/leases.ts";
import { NamespacesDefinition } from "../../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import { bytes, caller, type Step } from "./side.ts";

const namespaces = caller(NamespacesDefinition);
const containers = caller(ContainersDefinition);
const images = caller(ImagesDefinition);
const leases = caller(LeasesDefinition);

const big = "x".repeat(4097);

export const namespaceSteps: readonly Step[] = [
  ["there are none", namespaces("list")],
  ["one that is not there", namespaces("get", { name: "nosuch" })],
  ["made", namespaces("create", { namespace: { name: "differ" } })],
  ["made twice", namespaces("create", { namespace: { name: "differ" } })],
  [
    "made with labels",
    namespaces("create", {
      namespace: { name: "other", labels: { a: "1", "b/c": "2" } },
    }),
  ],
  ["read", namespaces("get", { name: "other" })],
  ["listed", namespaces("list")],
  ["a bad name", namespaces("create", { namespace: { name: "a/b" } })],
  ["an empty name", namespaces("create", { namespace: { name: "" } })],
  ["no namespace", namespaces("create", {})],
  [
    "a long name",
    namespaces("create", { namespace: { name: "n".repeat(77) } }),
  ],
  [
    "a label too large",
    namespaces("create", { namespace: { name: "large", labels: { a: big } } }),
  ],
  [
    "a label set by mask",
    namespaces("update", {
      namespace: { name: "other", labels: { a: "5", z: "9" } },
      updateMask: ["labels.a"],
    }),
  ],
  [
    "a label removed by mask",
    namespaces("update", {
      namespace: { name: "other", labels: { a: "" } },
      updateMask: ["labels.a"],
    }),
  ],
  [
    "all labels replaced by mask",
    namespaces("update", {
      namespace: { name: "other", labels: { q: "1" } },
      updateMask: ["labels"],
    }),
  ],
  ["read again", namespaces("get", { name: "other" })],
  [
    "updated without mask",
    namespaces("update", { namespace: { name: "other", labels: { w: "1" } } }),
  ],
  ["read a third time", namespaces("get", { name: "other" })],
  [
    "an unknown field",
    namespaces("update", {
      namespace: { name: "other" },
      updateMask: ["name"],
    }),
  ],
  [
    "update of one that is not there",
    namespaces("update", { namespace: { name: "nosuch", labels: { a: "1" } } }),
  ],
  ["deleted", namespaces("delete", { name: "other" })],
  ["deleted twice", namespaces("delete", { name: "other" })],
  ["what is left", namespaces("list")],
];

const SPEC = {
  typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
  value: bytes('{"ociVersion":"1.0.2","x":[1, 2]}'),
};
const RUNTIME = { name: "io.containerd.runc.v2" };
const ONE = { id: "one", runtime: RUNTIME, spec: SPEC, labels: { a: "1" } };
const masked = (fields: object, ...paths: readonly string[]) =>
  containers("update", {
    container: { id: "one", runtime: RUNTIME, spec: SPEC, ...fields },
    updateMask: paths,
  });

export const containerSteps: readonly Step[] = [
  ["no namespace given", containers("list", {}, { namespace: "" })],
  ["a bad namespace", containers("list", {}, { namespace: "a/b" })],
  ["there are none", containers("list")],
  ["one that is not there", containers("get", { id: "nosuch" })],
  ["an empty id", containers("get", { id: "" })],
  ["made", containers("create", { container: ONE })],
  ["made twice", containers("create", { container: ONE })],
  ["no container", containers("create", {})],
  ["a bad id", containers("create", { container: { ...ONE, id: "a b" } })],
  ["no id", containers("create", { container: { ...ONE, id: "" } })],
  [
    "no runtime",
    containers("create", { container: { ...ONE, id: "x", runtime: {} } }),
  ],
  [
    "no spec",
    containers("create", { container: { ...ONE, id: "x", spec: undefined } }),
  ],
  [
    "a snapshot key without snapshotter",
    containers("create", {
      container: { ...ONE, id: "x", snapshotKey: "k" },
    }),
  ],
  [
    "a label too large",
    containers("create", {
      container: { ...ONE, id: "x", labels: { a: big } },
    }),
  ],
  [
    "an extension without a name",
    containers("create", {
      container: { ...ONE, id: "x", extensions: { "": SPEC } },
    }),
  ],
  [
    "made with everything",
    containers("create", {
      container: {
        ...ONE,
        id: "two",
        image: "docker.io/library/none:latest",
        runtime: { ...RUNTIME, options: { typeUrl: "a/b", value: bytes("q") } },
        snapshotter: "overlayfs",
        snapshotKey: "two",
        extensions: { ext: { typeUrl: "t", value: bytes("\0\x01") } },
        labels: { a: "2", "io.x/y": "z" },
      },
    }),
  ],
  ["read", containers("get", { id: "two" })],
  ["listed", containers("list")],
  ["listed as a stream", containers("listStream")],
  ["by id", containers("list", { filters: ["id==two"] })],
  ["by label", containers("list", { filters: ["labels.a==1"] })],
  [
    "by quoted label",
    containers("list", { filters: ['labels."io.x/y"==z'] }),
  ],
  ["by presence of a label", containers("list", { filters: ["labels.a"] })],
  ["by image", containers("list", { filters: ["image~=none"] })],
  ["by runtime", containers("list", { filters: ["runtime.name==x"] })],
  ["by two filters", containers("list", { filters: ["id==one", "id==two"] })],
  ["by both", containers("list", { filters: ["id==two,labels.a==2"] })],
  ["by what is not", containers("list", { filters: ["labels.a!=1"] })],
  ["a bad filter", containers("list", { filters: ["id=="] })],
  ["a bad expression", containers("list", { filters: ["id~=["] })],
  ["an unknown field", containers("list", { filters: ["nosuch==1"] })],
  ["in another namespace", containers("list", {}, { namespace: "empty" })],
  ["a label by mask", masked({ labels: { b: "2" } }, "labels.b")],
  ["labels by mask", masked({ labels: { c: "3" } }, "labels")],
  ["a label away", masked({ labels: {} }, "labels.c")],
  ["the image by mask", masked({ image: "i" }, "image")],
  ["the key by mask", masked({ snapshotKey: "k" }, "snapshotkey")],
  [
    "snapshotter and key",
    masked({ snapshotter: "native", snapshotKey: "k" }, "snapshotkey"),
  ],
  [
    "an extension by mask",
    masked({ extensions: { e: SPEC } }, "extensions.e"),
  ],
  ["extensions by mask", masked({ extensions: {} }, "extensions")],
  ["the runtime by mask", masked({ runtime: { name: "r" } }, "runtime")],
  ["spec by mask", masked({ spec: { ...SPEC, value: bytes("{}") } }, "spec")],
  ["an unknown mask", masked({}, "nosuch")],
  ["read after masks", containers("get", { id: "one" })],
  [
    "without mask",
    containers("update", { container: { ...ONE, labels: { n: "1" } } }),
  ],
  [
    "the runtime without mask",
    containers("update", { container: { ...ONE, runtime: { name: "r" } } }),
  ],
  ["read after all", containers("get", { id: "one" })],
  [
    "update of one that is not there",
    containers("update", { container: { ...ONE, id: "nosuch" } }),
  ],
  ["deleted", containers("delete", { id: "one" })],
  ["deleted twice", containers("delete", { id: "one" })],
  ["deleted, too", containers("delete", { id: "two" })],
  ["what is left", containers("list")],
];

const TARGET = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${"a".repeat(64)}`,
  size: 7n,
};
const IMAGE = { name: "docker.io/library/a:1", target: TARGET };

export const imageSteps: readonly Step[] = [
  ["there are none", images("list")],
  ["one that is not there", images("get", { name: "nosuch" })],
  ["made", images("create", { image: IMAGE })],
  ["made twice", images("create", { image: IMAGE })],
  ["no name", images("create", { image: { ...IMAGE, name: "" } })],
  ["no image", images("create", {})],
  ["no target", images("create", { image: { name: "b", labels: {} } })],
  [
    "a bad digest",
    images("create", {
      image: { name: "b", target: { ...TARGET, digest: "sha256:12" } },
    }),
  ],
  [
    "no media type",
    images("create", {
      image: { name: "b", target: { ...TARGET, mediaType: "" } },
    }),
  ],
  [
    "no size",
    images("create", { image: { name: "b", target: { ...TARGET, size: 0n } } }),
  ],
  [
    "a negative size",
    images("create", {
      image: { name: "c", target: { ...TARGET, size: -1n } },
    }),
  ],
  [
    "a label too large",
    images("create", { image: { ...IMAGE, name: "b", labels: { a: big } } }),
  ],
  [
    "made with labels",
    images("create", {
      image: {
        name: "any name at all",
        labels: { x: "y" },
        target: { ...TARGET, annotations: { k: "v" } },
      },
    }),
  ],
  ["listed", images("list")],
  ["by name", images("list", { filters: ["name==docker.io/library/a:1"] })],
  ["by part of a name", images("list", { filters: ["name~=library"] })],
  ["by digest", images("list", { filters: [`target.digest~=^sha256:a`] })],
  ["by media type", images("list", { filters: ["target.mediatype~=oci"] })],
  ["by label", images("list", { filters: ["labels.x==y"] })],
  ["by annotation", images("list", { filters: ["annotations.k==v"] })],
  ["a bad filter", images("list", { filters: ["name=="] })],
  [
    "a label by mask",
    images("update", {
      image: { ...IMAGE, labels: { n: "1" } },
      updateMask: ["labels.n"],
    }),
  ],
  [
    "a label without a target",
    images("update", {
      image: { name: IMAGE.name, labels: { t: "1" } },
      updateMask: ["labels.t"],
    }),
  ],
  [
    "labels by mask",
    images("update", {
      image: { ...IMAGE, labels: { m: "1" } },
      updateMask: ["labels"],
    }),
  ],
  [
    "the target by mask",
    images("update", {
      image: { ...IMAGE, target: { ...TARGET, size: 8n } },
      updateMask: ["target"],
    }),
  ],
  [
    "annotations by mask",
    images("update", {
      image: { ...IMAGE, target: { ...TARGET, annotations: { q: "1" } } },
      updateMask: ["annotations"],
    }),
  ],
  [
    "an unknown mask",
    images("update", { image: IMAGE, updateMask: ["nosuch"] }),
  ],
  ["read after masks", images("get", { name: IMAGE.name })],
  ["without mask", images("update", { image: IMAGE })],
  [
    "update of one that is not there",
    images("update", { image: { ...IMAGE, name: "nosuch" } }),
  ],
  [
    "update without a name",
    images("update", { image: { ...IMAGE, name: "" } }),
  ],
  ["read after all", images("get", { name: IMAGE.name })],
  ["in another namespace", images("list", {}, { namespace: "empty" })],
  ["deleted", images("delete", { name: IMAGE.name, sync: true })],
  ["deleted twice", images("delete", { name: IMAGE.name })],
  ["deleted, too", images("delete", { name: "any name at all" })],
  ["without a name", images("delete", { name: "" })],
  ["what is left", images("list")],
];

const resource = (id: string, type: string) => ({
  id: "hold",
  resource: { id, type },
});

export const leaseSteps: readonly Step[] = [
  ["there are none", leases("list")],
  ["made", leases("create", { id: "hold", labels: { a: "1" } })],
  ["made twice", leases("create", { id: "hold" })],
  ["a bad id", leases("create", { id: "a b" })],
  ["a label too large", leases("create", { id: "l", labels: { a: big } })],
  ["one without an id", async (side) => {
    const { lease } = await leases("create", {})(side) as {
      readonly lease: { readonly id: string };
    };
    await leases("delete", { id: lease.id })(side);
    return lease.id.length > 0;
  }],
  ["by id", leases("list", { filters: ["id==hold"] })],
  ["by label", leases("list", { filters: ["labels.a==1"] })],
  ["a bad filter", leases("list", { filters: ["id=="] })],
  ["no resources", leases("listResources", { id: "hold" })],
  [
    "resources of one that is not there",
    leases("listResources", { id: "nosuch" }),
  ],
  [
    "content held",
    leases("addResource", resource(`sha256:${"b".repeat(64)}`, "content")),
  ],
  [
    "content held twice",
    leases("addResource", resource(`sha256:${"b".repeat(64)}`, "content")),
  ],
  ["a bad digest", leases("addResource", resource("nosuch", "content"))],
  [
    "a snapshot held",
    leases("addResource", resource("s", "snapshots/overlayfs")),
  ],
  [
    "a snapshot of no snapshotter",
    leases("addResource", resource("s", "snapshots")),
  ],
  ["an ingest held", leases("addResource", resource("i", "ingests"))],
  ["an unknown type", leases("addResource", resource("i", "nosuch"))],
  ["content with a name", leases("addResource", resource("c", "content/x"))],
  [
    "held by one that is not there",
    leases("addResource", { ...resource("i", "ingests"), id: "nosuch" }),
  ],
  ["resources", leases("listResources", { id: "hold" })],
  [
    "let go",
    leases("deleteResource", resource("s", "snapshots/overlayfs")),
  ],
  [
    "let go twice",
    leases("deleteResource", resource("s", "snapshots/overlayfs")),
  ],
  ["let go of a bad one", leases("deleteResource", resource("i", "nosuch"))],
  ["what is held", leases("listResources", { id: "hold" })],
  ["deleted", leases("delete", { id: "hold" })],
  ["deleted twice", leases("delete", { id: "hold" })],
  [
    "made to be gone",
    leases("create", {
      id: "flat",
      labels: { "containerd.io/gc.flat": "1" },
    }),
  ],
  ["gone at once", leases("delete", { id: "flat", sync: true })],
  ["what is left", leases("list", { filters: ["id==flat", "id==hold"] })],
];

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  backendName,
  clientLabels,
  idIn,
  inheritedLabels,
  ownName,
  withForeignName,
} from "./names.ts";

Deno.test("idIn() finds the id of a name of ours, whatever the key", () => {
  fc.assert(fc.property(
    fc.stringMatching(/^[a-z0-9._-]+$/),
    fc.nat(),
    fc.string({ minLength: 1 }),
    (namespace, id, name) => {
      assertEquals(idIn(ownName(namespace, { id, name })), id);
    },
  ));
});

Deno.test("idIn() finds nothing in a name of the backend's", () => {
  for (const name of ["sha256:12/3", "a/b/c", "a/1", "a/1/", "/1/c", ""]) {
    assertEquals(idIn(name), undefined, name);
  }
});

Deno.test("backendName() is the backend's own where it gave one", () => {
  const record = { id: 7, name: "key", labels: { a: "1" } };
  assertEquals(backendName("ns", record), "ns/7/key");
  const labels = withForeignName(record.labels, "sha256:1");
  assertEquals(backendName("ns", { ...record, labels }), "sha256:1");
  assertEquals(clientLabels(labels), { a: "1" });
});

Deno.test("inheritedLabels() keeps what snapshotters are told", () => {
  const told = {
    "containerd.io/snapshot.ref": "sha256:1",
    "containerd.io/snapshot/remote.x": "y",
  };
  const kept = {
    "containerd.io/snapshot.other": "",
    "containerd.io/gc.root": "",
  };
  assertEquals(inheritedLabels({ ...told, ...kept }), told);
});

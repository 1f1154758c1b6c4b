import { assertEquals } from "@std/assert";
import { withSharedPaths } from "./share_namespaces.ts";

const MADE = "/state/remote/0123/bundles/default.web";
const STARTED = "/state/bundles/default.web";

function specWith(bundle: string, shm: string) {
  const volume = { destination: "/dev/shm2", source: `${bundle}/shm` };
  return {
    ociVersion: "1.0.2",
    root: { path: "rootfs" },
    mounts: [{ destination: "/dev/shm", source: shm }, volume],
    linux: {
      namespaces: [
        { type: "ipc", path: `${bundle}/joined.ipc` },
        { type: "pid", path: `${bundle}/joined.pid` },
        { type: "mount" },
      ],
    },
  };
}

Deno.test("withSharedPaths() leads from the bundle of the start", () => {
  const joins = { pid: "p", ipc: "i" };
  const made = specWith(MADE, `${MADE}/joined.shm`);
  const started = JSON.parse(
    withSharedPaths(JSON.stringify(made), STARTED, { joins }),
  );
  const expected = specWith(STARTED, `${STARTED}/joined.shm`);
  assertEquals(started.linux, expected.linux);
  assertEquals(started.mounts[0], expected.mounts[0]);
  assertEquals(started.mounts[1], made.mounts[1]);
});

Deno.test("withSharedPaths() leaves what the user mounts", () => {
  const shareable = { shmBytes: 1 };
  const own = JSON.stringify(specWith(MADE, "/srv/shm"));
  const started = JSON.parse(withSharedPaths(own, STARTED, { shareable }));
  assertEquals(started, JSON.parse(own));
  const made = JSON.stringify(specWith(MADE, `${MADE}/shm`));
  const { mounts } = JSON.parse(withSharedPaths(made, STARTED, { shareable }));
  assertEquals(mounts[0].source, `${STARTED}/shm`);
});

import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import type { SpecDevice } from "../oci/runtime_spec.ts";
import type { CgroupVersion } from "../oci/spec/facts.ts";
import { testFacts } from "../oci/spec/testing.ts";
import { blockIoRequest } from "./block_io.ts";

/** A machine with one disk, one terminal, and these files. */
function machine(cgroupVersion: CgroupVersion, ...files: readonly string[]) {
  const nodes: Readonly<Record<string, readonly SpecDevice[]>> = {
    "/dev/sda": [{ path: "/dev/sda", type: "b", major: 8, minor: 0 }],
    "/dev/tty": [{ path: "/dev/tty", type: "c", major: 5, minor: 0 }],
  };
  return {
    facts: () => ({ ...testFacts(), cgroupVersion }),
    exists: (path: string) => files.includes(path),
    deviceNodes: (path: string) => nodes[path] ?? [],
  };
}

function warnings() {
  const said: string[] = [];
  return { said, warn: (message: string) => void said.push(message) };
}

Deno.test("blockIoRequest() names devices by their numbers", () => {
  const { said, warn } = warnings();
  const rate = { path: "/dev/sda", rate: 7 };
  assertEquals(
    blockIoRequest(
      { readBps: [rate], writeIops: [rate] },
      machine("v1"),
      warn,
    ),
    {
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 7 }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 7 }],
    },
  );
  assertEquals(said, []);
});

Deno.test("blockIoRequest() refuses what is no block device", () => {
  for (const path of ["/dev/tty", "/dev/nothing"]) {
    assertThrows(
      () =>
        blockIoRequest(
          { readBps: [{ path, rate: 1 }] },
          machine("v1"),
          () => {},
        ),
      EngineError,
      `Cannot limit "${path}": not a block device`,
    );
  }
});

Deno.test("blockIoRequest() discards a weight that no scheduler knows", () => {
  const { said, warn } = warnings();
  assertEquals(blockIoRequest({ weight: 300 }, machine("v1"), warn), undefined);
  assertEquals(said.length, 1);
  const bfq = machine("v1", "/sys/fs/cgroup/blkio/blkio.bfq.io_service_bytes");
  for (const host of [bfq, machine("v2")]) {
    assertEquals(blockIoRequest({ weight: 300 }, host, warn), { weight: 300 });
  }
  assertEquals(said.length, 1);
});

import { assertEquals } from "@std/assert";
import { askedConfig, exposedPorts } from "./inspect_asked.ts";
import { shownMounts } from "./inspect_mounts.ts";

const INIT = {
  process: { args: ["/sbin/docker-init", "--", "sh"] },
  mounts: [{
    destination: "/sbin/docker-init",
    type: "bind",
    source: "/usr/bin/tini",
    options: ["bind", "ro", "nosuid", "nodev"],
  }],
};

Deno.test("askedConfig() is docker's for a container without wishes", () => {
  assertEquals(askedConfig({}, undefined), {
    GroupAdd: null,
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    VolumesFrom: null,
    Links: null,
    UsernsMode: "",
    BlkioWeight: 0,
    BlkioDeviceReadBps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteIOps: null,
  });
});

Deno.test("askedConfig() sees an init, which is no mount of the user's", () => {
  assertEquals(askedConfig(INIT, undefined).Init, true);
  assertEquals(shownMounts(INIT), []);
  const { mounts } = INIT;
  assertEquals(askedConfig({ mounts }, undefined).Init, undefined);
});

Deno.test("askedConfig() says nothing of a weight that was discarded", () => {
  const settings = { asked: { blockIo: { weight: 300 } } };
  assertEquals(askedConfig({}, settings).BlkioWeight, 0);
  const spec = { linux: { resources: { blockIO: { weight: 300 } } } };
  assertEquals(askedConfig(spec, settings).BlkioWeight, 300);
});

Deno.test("exposedPorts() adds a container's to its image's", () => {
  const image = { ExposedPorts: { "80/tcp": {} } };
  assertEquals(exposedPorts(undefined, image), { "80/tcp": {} });
  assertEquals(exposedPorts(undefined, undefined), undefined);
  assertEquals(exposedPorts({ asked: { exposed: ["53/udp"] } }, image), {
    "53/udp": {},
    "80/tcp": {},
  });
});

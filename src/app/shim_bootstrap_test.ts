import { assertEquals } from "@std/assert";
import { Options } from "../../proto/gen/containerd/runc/v1/options.ts";
import {
  BootstrapParams,
  BootstrapResult,
} from "../../proto/gen/containerd/runtime/bootstrap/v1/bootstrap.ts";
import { Any } from "../../proto/gen/google/protobuf/any.ts";
import { readBootstrap } from "./shim_bootstrap.ts";

const FLAGS = { id: "one", namespace: "moby" };
const ADDRESS = "unix:///run/containerd/s/1";

function withEnvironment<T>(version: string | undefined, work: () => T): T {
  const name = "MAX_SHIM_VERSION";
  const before = Deno.env.get(name);
  const set = (value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  set(version);
  try {
    return work();
  } finally {
    set(before);
  }
}

function answerTo(input: Uint8Array, version?: string): Uint8Array {
  return withEnvironment(
    version,
    () => readBootstrap(FLAGS, input).answer(ADDRESS),
  );
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** What containerd before 2.3 writes there: options of the runtime. */
const OPTIONS = Any.encode({
  typeUrl: "containerd.runc.v1.Options",
  value: Options.encode(Options.fromPartial({ binaryName: "crun" })).finish(),
}).finish();

Deno.test("readBootstrap() answers 1.6 by an address, 1.7 by JSON", () => {
  for (const input of [new Uint8Array(), OPTIONS]) {
    assertEquals(text(answerTo(input)), ADDRESS);
    assertEquals(JSON.parse(text(answerTo(input, "2"))), {
      version: 2,
      address: ADDRESS,
      protocol: "ttrpc",
    });
  }
});

Deno.test("readBootstrap() answers by protobuf who asks by protobuf", () => {
  const params = BootstrapParams.encode(BootstrapParams.fromPartial({
    instanceId: "one",
    namespace: "moby",
    containerdTtrpcAddress: "/events.sock",
    socketDir: "/sockets",
  })).finish();
  const bootstrap = readBootstrap(FLAGS, params);
  assertEquals(bootstrap.events, "/events.sock");
  assertEquals(bootstrap.socketDirectory, "/sockets");
  const { version, address, protocol } = BootstrapResult.decode(
    bootstrap.answer(ADDRESS),
  );
  assertEquals([version, address, protocol], [3, ADDRESS, "ttrpc"]);
});

Deno.test("readBootstrap() does not believe params for another task", () => {
  const params = BootstrapParams.encode(BootstrapParams.fromPartial({
    instanceId: "two",
    namespace: "moby",
  })).finish();
  assertEquals(text(answerTo(params)), ADDRESS);
});

import { assertEquals, assertRejects } from "@std/assert";
import { Options } from "../../proto/gen/containerd/runc/v1/options.ts";
import { Options as RuntimeOptions } from "../../proto/gen/runtimeoptions/v1/options.ts";
import { EngineError } from "../base/errors.ts";
import { DEFAULT_RUNC_OPTIONS, type RuncOptions } from "../shim/options.ts";
import { shimCodec } from "./shim_codec.ts";

const TYPE_URL = "type.googleapis.com/runtimeoptions.v1.Options";

interface Read {
  readonly options: RuncOptions;
  readonly ignored: readonly string[];
}

async function read(options: Partial<RuntimeOptions>): Promise<Read> {
  const ignored: string[] = [];
  const message = {
    typeUrl: "containerd.runc.v1.Options",
    configPath: "",
    configBody: new Uint8Array(),
    ...options,
  };
  const value = RuntimeOptions.encode(message).finish();
  return {
    options: await shimCodec.runcOptions(
      { typeUrl: TYPE_URL, value },
      (key) => ignored.push(key),
    ),
    ignored,
  };
}

const body = (text: string) => ({ configBody: new TextEncoder().encode(text) });

Deno.test("runcOptions() reads the body of runtimeoptions.v1", async () => {
  const { options, ignored } = await read(body(`
BinaryName = "crun"
Root = "/run/other"
SystemdCgroup = true
NoPivotRoot = true
no_new_keyring = true
io_uid = 7
IoGid = 8
criu_work_path = "/work"
`));
  assertEquals(ignored, []);
  assertEquals(options, {
    binaryName: "crun",
    root: "/run/other",
    cgroupDriver: "systemd",
    pivotRoot: "avoid",
    keyring: "inherited",
    ioUid: 7,
    ioGid: 8,
    criuWorkPath: "/work",
  });
});

Deno.test("runcOptions() reads the file of runtimeoptions.v1, but not beside a body", async () => {
  const configPath = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(configPath, 'BinaryName = "youki"');
    const file = await read({ configPath });
    assertEquals(file.options.binaryName, "youki");
    const both = await read({ configPath, ...body('BinaryName = "crun"') });
    assertEquals(both.options.binaryName, "crun");
  } finally {
    await Deno.remove(configPath);
  }
});

Deno.test("runcOptions() says which keys it ignores", async () => {
  const { options, ignored } = await read(body(`
ShimCgroup = "/x"
SystemdCgroup = "yes"
IoUid = -1
[runsc_config]
debug = "true"
`));
  assertEquals(options, DEFAULT_RUNC_OPTIONS);
  assertEquals(
    ignored,
    ["ShimCgroup", "SystemdCgroup", "IoUid", "runsc_config"],
  );
});

Deno.test("runcOptions() takes runtimeoptions.v1 that say nothing", async () => {
  assertEquals((await read({})).options, DEFAULT_RUNC_OPTIONS);
});

Deno.test("runcOptions() throws invalidArgument for what it can't read", async () => {
  const wrong = [body("BinaryName ="), { configPath: "/nonexistent/file" }];
  for (const options of wrong) {
    const error = await assertRejects(() => read(options), EngineError);
    assertEquals(error.code, "invalidArgument");
  }
  const other = await assertRejects(
    () =>
      shimCodec.runcOptions(
        { typeUrl: "kata.v1.Options", value: new Uint8Array([1]) },
        () => {},
      ),
    EngineError,
  );
  assertEquals(other.code, "invalidArgument");
});

Deno.test("runcOptions() reads runc's own", async () => {
  const message = Options.fromPartial({
    binaryName: "crun",
    noPivotRoot: true,
  });
  const value = Options.encode(message).finish();
  const options = await shimCodec.runcOptions(
    { typeUrl: "containerd.runc.v1.Options", value },
    () => {},
  );
  assertEquals([options.binaryName, options.pivotRoot], ["crun", "avoid"]);
});

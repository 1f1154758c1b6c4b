/** Calls of the services that run something, and of those that tell of it. */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import { EventsDefinition } from "../../proto/gen/containerd/services/events/v1/events.ts";
import { IntrospectionDefinition } from "../../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { TasksDefinition } from "../../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { VersionDefinition } from "../../proto/gen/containerd/services/version/v1/version.ts";
import { HealthDefinition } from "../../proto/gen/grpc/health/v1/health.ts";
import { bytes, caller, type Fields, type Side, type Step } from "./side.ts";

const containers = caller(ContainersDefinition);
const events = caller(EventsDefinition);
const introspection = caller(IntrospectionDefinition);
const tasks = caller(TasksDefinition);
const version = caller(VersionDefinition);
const health = caller(HealthDefinition);

const SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
const PROCESS_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/Process";
const RESOURCES_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

const ENV = ["PATH=/bin"];

function specOf(side: Side, id: string, args: readonly string[]): string {
  const namespaces = ["pid", "ipc", "uts", "mount", "network"];
  return JSON.stringify({
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, cwd: "/", env: ENV, args },
    root: { path: "rootfs" },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      cgroupsPath: `/coracle-differ-${side.kept.get("run")}-${side.name}/${id}`,
    },
  });
}

const make =
  (id: string, ...args: readonly string[]): Step[1] => async (side) => {
    const spec = {
      typeUrl: SPEC_TYPE,
      value: bytes(specOf(side, id, args)),
    };
    await containers("create", {
      container: { id, spec, runtime: { name: "io.containerd.runc.v2" } },
    })(side);
    return "made";
  };

const create = (containerId: string, more: Fields = {}): Step[1] => (side) =>
  tasks("create", {
    containerId,
    rootfs: [{
      type: "bind",
      source: side.kept.get("rootfs"),
      options: ["rbind", "rw"],
    }],
    ...more,
  })(side);

const one = { containerId: "run" };
const brief = { containerId: "brief" };
const extra = { ...one, execId: "extra" };

function process(...args: readonly string[]): Fields {
  const value = { user: { uid: 0, gid: 0 }, cwd: "/", env: ENV, args };
  return { typeUrl: PROCESS_TYPE, value: bytes(JSON.stringify(value)) };
}

/** Whatever the order is, and without figures that nobody can foresee. */
const typesOfMetrics = (request: Fields): Step[1] => async (side) => {
  const { metrics } = await tasks("metrics", request)(side) as {
    readonly metrics: readonly {
      readonly id: string;
      readonly data?: { readonly typeUrl: string };
    }[];
  };
  return metrics.map(({ id, data }) => [id, data?.typeUrl]).sort();
};

const numberOfPids = (request: Fields): Step[1] => async (side) => {
  const { processes } = await tasks("listPids", request)(side) as {
    readonly processes: readonly unknown[];
  };
  return processes.length;
};

export const taskSteps: readonly Step[] = [
  ["there are none", tasks("list")],
  ["without a namespace", tasks("list", {}, { namespace: "" })],
  ["one that is not there", tasks("get", { containerId: "nosuch" })],
  ["of no container", create("nosuch")],
  ["a container", make("run", "sleep", "1000")],
  ["container without a task", tasks("get", one)],
  ["start of no task", tasks("start", one)],
  ["kill of no task", tasks("kill", { ...one, signal: 9 })],
  ["delete of no task", tasks("delete", one)],
  ["wait for no task", tasks("wait", one)],
  ["pause of no task", tasks("pause", one)],
  ["pids of no task", tasks("listPids", one)],
  ["made", create("run")],
  ["made twice", create("run")],
  ["read", tasks("get", one)],
  ["listed", tasks("list")],
  ["listed elsewhere", tasks("list", {}, { namespace: "empty" })],
  ["pause before the start", tasks("pause", one)],
  ["started", tasks("start", one)],
  ["started twice", tasks("start", one)],
  ["read, running", tasks("get", one)],
  ["its processes", numberOfPids(one)],
  ["its figures", typesOfMetrics({ filters: ["id==run"] })],
  ["all figures", typesOfMetrics({})],
  ["figures of nobody", typesOfMetrics({ filters: ["id==nosuch"] })],
  ["figures by a bad filter", typesOfMetrics({ filters: ["id=="] })],
  ["deleted while it runs", tasks("delete", one)],
  ["an unknown signal", tasks("kill", { ...one, signal: 999 })],
  [
    "a harmless signal",
    tasks("kill", { ...one, signal: 28 }),
  ],
  [
    "an exec",
    tasks("exec", { ...extra, spec: process("sleep", "500") }),
  ],
  [
    "the same exec",
    tasks("exec", { ...extra, spec: process("sleep", "500") }),
  ],
  [
    "an exec without an id",
    tasks("exec", { ...one, spec: process("true") }),
  ],
  [
    "an exec with a bad id",
    tasks("exec", { ...one, execId: "a b", spec: process("true") }),
  ],
  [
    "an exec of no task",
    tasks("exec", {
      containerId: "nosuch",
      execId: "e",
      spec: process("true"),
    }),
  ],
  ["an exec, read", tasks("get", extra)],
  ["an exec, started", tasks("start", extra)],
  ["an exec, started twice", tasks("start", extra)],
  ["an exec, running", tasks("get", extra)],
  ["processes now", numberOfPids(one)],
  ["an exec, deleted while it runs", tasks("deleteProcess", extra)],
  [
    "size of what has no terminal",
    tasks("resizePty", {
      ...extra,
      width: 80,
      height: 24,
    }),
  ],
  ["input closed", tasks("closeIO", { ...extra, stdin: true })],
  ["an exec, killed", tasks("kill", { ...extra, signal: 9 })],
  ["an exec, waited for", tasks("wait", extra)],
  ["an exec, killed again", tasks("kill", { ...extra, signal: 9 })],
  ["an exec, stopped", tasks("get", extra)],
  ["an exec, deleted", tasks("deleteProcess", extra)],
  ["an exec, deleted twice", tasks("deleteProcess", extra)],
  ["an exec that is not there", tasks("get", extra)],
  [
    "an exec that can't be",
    tasks("exec", { ...one, execId: "bad", spec: process("nosuch") }),
  ],
  [
    "an exec that can't be, started",
    tasks("start", { ...one, execId: "bad" }),
  ],
  [
    "an exec that can't be, read",
    tasks("get", { ...one, execId: "bad" }),
  ],
  [
    "an exec that can't be, deleted",
    tasks("deleteProcess", { ...one, execId: "bad" }),
  ],
  ["paused", tasks("pause", one)],
  ["read, paused", tasks("get", one)],
  ["paused twice", tasks("pause", one)],
  [
    "an exec, paused",
    tasks("exec", { ...one, execId: "cold", spec: process("true") }),
  ],
  ["resumed", tasks("resume", one)],
  ["resumed twice", tasks("resume", one)],
  ["read, resumed", tasks("get", one)],
  [
    "limits",
    tasks("update", {
      ...one,
      resources: {
        typeUrl: RESOURCES_TYPE,
        value: bytes('{"pids":{"limit":64}}'),
      },
    }),
  ],
  [
    "limits of nobody",
    tasks("update", {
      containerId: "nosuch",
      resources: { typeUrl: RESOURCES_TYPE, value: bytes("{}") },
    }),
  ],
  ["container deleted under its task", containers("get", { id: "run" })],
  ["killed", tasks("kill", { ...one, signal: 15, all: true })],
  ["killed for good", tasks("kill", { ...one, signal: 9 })],
  ["waited for", tasks("wait", one)],
  ["read, stopped", tasks("get", one)],
  ["listed, stopped", tasks("list")],
  ["killed, stopped", tasks("kill", { ...one, signal: 9 })],
  ["paused, stopped", tasks("pause", one)],
  ["started, stopped", tasks("start", one)],
  ["deleted", tasks("delete", one)],
  ["deleted twice", tasks("delete", one)],
  ["another one", make("brief", "sh", "-c", "exit 7")],
  ["another one, made", create("brief")],
  ["another one, started", tasks("start", brief)],
  ["another one, waited for", tasks("wait", brief)],
  ["another one, deleted", tasks("delete", brief)],
  ["made again", create("brief")],
  ["deleted before the start", tasks("delete", brief)],
  ["a bad command", make("bad", "/nosuch")],
  ["a bad command, made", create("bad")],
  ["a bad command, read", tasks("get", { containerId: "bad" })],
  ["a bad command, deleted", tasks("delete", { containerId: "bad" })],
  ["a bad runtime", async (side) => {
    const spec = { typeUrl: SPEC_TYPE, value: bytes(specOf(side, "q", ["a"])) };
    return await containers("create", {
      container: { id: "q", spec, runtime: { name: "io.nobody.nosuch.v9" } },
    })(side).then(() => "made");
  }],
  ["a bad runtime, made", create("q")],
  ["what is left", tasks("list")],
  ...["run", "brief", "bad", "q"].map((id): Step => [
    `container ${id} deleted`,
    containers("delete", { id }),
  ]),
];

const BOX = { typeUrl: "type.example/Some.Message", value: bytes("\x01\x02") };

export const happeningSteps: readonly Step[] = [
  [
    "published",
    events("publish", { topic: "/harbour/in", event: BOX }),
  ],
  [
    "published without a namespace",
    events("publish", { topic: "/a", event: BOX }, { namespace: "" }),
  ],
  ["a bad topic", events("publish", { topic: "harbour", event: BOX })],
  ["an empty topic", events("publish", { topic: "", event: BOX })],
  ["a topic of nothing", events("publish", { topic: "/", event: BOX })],
  ["a topic with a blank", events("publish", { topic: "/a b", event: BOX })],
  [
    "forwarded",
    events("forward", {
      envelope: {
        timestamp: new Date(1e12),
        namespace: "elsewhere",
        topic: "/harbour/out",
        event: BOX,
      },
    }),
  ],
  [
    "forwarded without a namespace",
    events("forward", {
      envelope: { timestamp: new Date(1e12), topic: "/x", event: BOX },
    }),
  ],
  [
    "forwarded without a time",
    events("forward", {
      envelope: { namespace: "e", topic: "/x", event: BOX },
    }),
  ],
  ["a bad filter", events("subscribe", { filters: ["topic=="] })],
  ["the health of all", health("check", {})],
  ["the health of a stranger", health("check", { service: "nosuch" })],
  ["plugins by a bad filter", introspection("plugins", { filters: ["id=="] })],
  ["no plugins", introspection("plugins", { filters: ["id==nosuch"] })],
  [
    "a plugin that clients look for",
    async (side) => {
      const { plugins } = await introspection("plugins", {
        filters: ["type==io.containerd.snapshotter.v1, id==overlayfs"],
      })(side) as { readonly plugins: readonly Fields[] };
      return plugins.map(({ type, id, platforms, initErr }) => [
        ...[type, id, platforms, initErr],
      ]);
    },
  ],
  ["services of tasks", async (side) => {
    const { plugins } = await introspection("plugins", {
      filters: ["type==io.containerd.grpc.v1"],
    })(side) as { readonly plugins: readonly Fields[] };
    const ids = new Set(plugins.map(({ id }) => id));
    return ["tasks", "images", "content", "leases", "diff", "snapshots"]
      .filter((id) => !ids.has(id));
  }],
  ["the server", async (side) => {
    const { uuid } = await introspection("server")(side) as Fields;
    return /^[0-9a-f-]{36}$/.test(String(uuid));
  }],
  ["a version", async (side) => {
    const { version: said } = await version("version")(side) as Fields;
    return String(said).length > 0;
  }],
];

interface Envelope {
  readonly namespace: string;
  readonly topic: string;
  readonly event?: { readonly typeUrl: string };
}

/** What happens while something else is done, as topics and types. */
export async function listen(side: Side): Promise<() => Promise<unknown>> {
  const stop = new AbortController();
  const stub = side.client.stub(EventsDefinition);
  const told: string[] = [];
  const done = (async () => {
    const stream = stub.subscribe({ filters: [] }, { signal: stop.signal });
    try {
      for await (
        const { namespace, topic, event } of stream as AsyncIterable<
          Envelope
        >
      ) told.push(`${namespace} ${topic} ${event?.typeUrl}`);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  })();
  // A subscription has no answer of its own: it is there when it is heard.
  const probe = { topic: "/probe", event: BOX };
  let broken: unknown;
  done.catch((error) => {
    broken = error;
  });
  while (told.length === 0) {
    if (broken !== undefined) return () => Promise.reject(broken);
    await events("publish", probe)(side).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    stop.abort();
    await done;
    return told.filter((line) => !line.includes("/probe"));
  };
}

/** Clients that work on all services at once, and remember what they did. */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import {
  ContentDefinition,
  WriteAction,
} from "../../proto/gen/containerd/services/content/v1/content.ts";
import { ImagesDefinition } from "../../proto/gen/containerd/services/images/v1/images.ts";
import { LeasesDefinition } from "../../proto/gen/containerd/services/leases/v1/leases.ts";
import { SnapshotsDefinition } from "../../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import type { ServiceDefinition } from "../../src/rpc/grpc/method.ts";
import {
  bytes,
  type Caller,
  caller,
  digestOf,
  type Fields,
  type Side,
} from "../differential/side.ts";
import { Entry, isInterrupted } from "./ledger.ts";

export const LOAD_NAMESPACE = "load";
const IN = { namespace: LOAD_NAMESPACE };
const ROOT = { "containerd.io/gc.root": "1" };
const OVERLAY = { snapshotter: "overlayfs" };

const on = (definition: ServiceDefinition) => caller(definition, IN);
const containers = on(ContainersDefinition);
const images = on(ImagesDefinition);
const leases = on(LeasesDefinition);
const content = on(ContentDefinition);
const snapshots = on(SnapshotsDefinition);

/** One kind of thing that can be made, changed, read and deleted. */
interface Kind {
  readonly name: string;
  make(side: Side, id: string, value: string): Promise<unknown>;
  /** Undefined if it can't be changed. */
  change?(side: Side, id: string, value: string): Promise<unknown>;
  /** @returns its value */
  read(side: Side, id: string): Promise<string>;
  remove(side: Side, id: string): Promise<unknown>;
}

const TARGET = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${"c".repeat(64)}`,
  size: 9n,
};

/** @param noun of the message in requests and answers */
function labelled(
  name: string,
  noun: string,
  calls: Caller,
  record: (id: string, labels: Fields) => Fields,
  key: (id: string) => Fields,
): Kind {
  const write = (method: string) => (side: Side, id: string, value: string) =>
    calls(method, { [noun]: record(id, { value }) })(side);
  return {
    name,
    make: write("create"),
    change: write("update"),
    async read(side, id) {
      const answer = await calls("get", key(id))(side) as Record<string, {
        readonly labels: Readonly<Record<string, string>>;
      }>;
      return answer[noun]?.labels["value"] ?? "";
    },
    remove: (side, id) => calls("delete", key(id))(side),
  };
}

const KINDS: readonly Kind[] = [
  labelled(
    "container",
    "container",
    containers,
    (id, labels) => ({
      id,
      labels,
      runtime: { name: "io.containerd.runc.v2" },
      spec: { typeUrl: "x", value: bytes("{}") },
    }),
    (id) => ({ id }),
  ),
  labelled(
    "image",
    "image",
    images,
    (name, labels) => ({ name, labels, target: TARGET }),
    (name) => ({ name }),
  ),
  {
    name: "lease",
    make: (side, id, value) =>
      leases("create", { id, labels: { value } })(side),
    async read(side, id) {
      const { leases: found } = await leases("list", {
        filters: [`id==${id}`],
      })(side) as {
        readonly leases: readonly {
          readonly labels: Readonly<Record<string, string>>;
        }[];
      };
      if (found.length > 1) throw new Error(`lease ${id} is there twice`);
      if (found[0] === undefined) throw NOT_FOUND;
      return found[0].labels["value"] ?? "";
    },
    remove: (side, id) => leases("delete", { id, sync: false })(side),
  },
  {
    name: "content",
    async make(side, id, value) {
      const data = bytes(id);
      const expected = await digestOf(id);
      await content("write", [{
        action: WriteAction.COMMIT,
        ref: `load-${id}`,
        offset: 0n,
        total: BigInt(data.length),
        data,
        expected,
        labels: { ...ROOT, value },
      }])(side);
    },
    async read(side, id) {
      const digest = await digestOf(id);
      const { info } = await content("info", { digest })(side) as {
        readonly info: { readonly labels: Readonly<Record<string, string>> };
      };
      const parts = await content("read", { digest })(side) as readonly {
        readonly data: Uint8Array;
      }[];
      const text = parts.map(({ data }) => new TextDecoder().decode(data));
      if (text.join("") !== id) throw new Error(`content ${id} is damaged`);
      return info.labels["value"] ?? "";
    },
    remove: async (side, id) =>
      await content("delete", { digest: await digestOf(id) })(side),
  },
  {
    name: "snapshot",
    make: (side, id, value) =>
      snapshots("prepare", {
        ...OVERLAY,
        key: id,
        labels: { ...ROOT, value },
      })(side),
    async read(side, key) {
      const { info } = await snapshots("stat", {
        ...OVERLAY,
        key,
      })(side) as {
        readonly info: { readonly labels: Readonly<Record<string, string>> };
      };
      return info.labels["value"] ?? "";
    },
    remove: (side, key) => snapshots("remove", { ...OVERLAY, key })(side),
  },
];

const NOT_FOUND = Object.assign(new Error("not found"), { code: "notFound" });
/** How many things of each kind a client has to do with. */
const THINGS = 3;

export class LoadClient {
  readonly #side: Side;
  readonly #name: string;
  readonly #entries = new Map<string, Entry<string>>();
  #turn = 0;
  /** Calls that were acknowledged. */
  done = 0;
  /** Calls of which nobody knows. */
  interrupted = 0;

  constructor(side: Side, name: string) {
    this.#side = side;
    this.#name = name;
  }

  /** One change of one thing, and a look at it. */
  async step(): Promise<void> {
    const turn = this.#turn++;
    const kind = KINDS[turn % KINDS.length];
    if (kind === undefined) return;
    const round = Math.floor(turn / KINDS.length);
    const id = `${this.#name}-${kind.name}-${round % THINGS}`;
    const value = await this.#look(kind, id);
    if (value === undefined) {
      await this.#change(
        id,
        kind,
        `v${turn}`,
        (v) => kind.make(this.#side, id, v),
      );
    } else if (kind.change !== undefined && round % 3 !== 0) {
      await this.#change(
        id,
        kind,
        `v${turn}`,
        (v) => kind.change?.(this.#side, id, v),
      );
    } else {
      await this.#change(
        id,
        kind,
        undefined,
        () => kind.remove(this.#side, id),
      );
    }
  }

  /** @throws if anything that was acknowledged is not so */
  async checkAll(): Promise<void> {
    for (const kind of KINDS) {
      for (let at = 0; at < THINGS; at++) {
        await this.#look(kind, `${this.#name}-${kind.name}-${at}`);
      }
    }
  }

  async removeAll(): Promise<void> {
    for (const kind of KINDS) {
      for (let at = 0; at < THINGS; at++) {
        const id = `${this.#name}-${kind.name}-${at}`;
        if (await this.#look(kind, id) === undefined) continue;
        await kind.remove(this.#side, id);
        this.#entry(id).is(undefined);
      }
    }
  }

  #entry(id: string): Entry<string> {
    const entry = this.#entries.get(id) ?? new Entry<string>();
    this.#entries.set(id, entry);
    return entry;
  }

  async #look(kind: Kind, id: string): Promise<string | undefined> {
    const value = await patiently(async () => {
      try {
        return await kind.read(this.#side, id);
      } catch (error) {
        if ((error as { code?: string }).code === "notFound") return undefined;
        throw error;
      }
    });
    this.#entry(id).found(`${kind.name} ${id}`, value);
    return value;
  }

  async #change(
    id: string,
    kind: Kind,
    value: string | undefined,
    change: (value: string) => Promise<unknown> | undefined,
  ): Promise<void> {
    const entry = this.#entry(id);
    try {
      await change(value ?? "");
      entry.is(value);
      this.done++;
    } catch (error) {
      if (!isInterrupted(error)) {
        const what = `${kind.name} ${id} to ${value}`;
        throw new Error(`Cannot change ${what}: ${error}`, { cause: error });
      }
      entry.mayBe(value);
      this.interrupted++;
    }
  }
}

const PATIENCE_MS = 30_000;
const PAUSE_MS = 20;

/** Tries again while the daemon is away. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isInterrupted(error) || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

import { background } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { NewContainer } from "../container.ts";

export const ctx = background({ namespace: "test" });
export const other = { ...ctx, namespace: "other" };

/** A digest that differs for each `seed`, of no bytes in particular. */
export function fakeDigest(seed: number): Digest {
  return `sha256:${seed.toString(16).padStart(64, "0")}` as Digest;
}

export function fakeDescriptor(seed: number): Descriptor {
  return {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: fakeDigest(seed),
    size: 100 + seed,
  };
}

export function fakeContainer(
  id: string,
  more: Partial<NewContainer> = {},
): NewContainer {
  return { id, runtime: { name: "io.containerd.runc.v2" }, ...more };
}

/** A clock that moves only when told. */
export class TestClock {
  #now = Date.UTC(2030, 0, 1);

  readonly now = (): Date => new Date(this.#now);

  forward(ms: number): void {
    this.#now += ms;
  }
}

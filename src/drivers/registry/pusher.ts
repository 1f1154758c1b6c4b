/** Uploads content. @see OCI distribution-spec 1.1, "Push" */

import type { Context } from "../../base/context.ts";
import { dataLoss } from "../../base/errors.ts";
import { formatReference, type Reference } from "../../base/reference.ts";
import type { Pusher, PushSource, PushWriter } from "../../core/registry.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { RegistryClient } from "./client.ts";
import type { Refusal } from "./failure.ts";
import type { RegistryHost } from "./hosts.ts";
import { MANIFEST_ACCEPT, pullScope } from "./manifest.ts";
import { locationOf, upload } from "./upload.ts";

/** Other repositories that are asked for a blob before it is uploaded. */
const MAX_MOUNTS = 3;

export class RegistryPusher implements Pusher {
  readonly #client: RegistryClient;
  readonly #reference: Reference;

  constructor(client: RegistryClient, reference: Reference) {
    this.#client = client;
    this.#reference = reference;
  }

  async pushBlob(
    ctx: Context,
    descriptor: Descriptor,
    source: PushSource,
  ): Promise<PushWriter> {
    return await this.#onHost(
      ctx,
      descriptor,
      (host) => this.#pushBlobTo(ctx, host, descriptor, source),
    );
  }

  async pushManifest(
    ctx: Context,
    descriptor: Descriptor,
    bytes: Uint8Array,
    tag?: string,
  ): Promise<PushWriter> {
    return await this.#onHost(
      ctx,
      descriptor,
      (host) => this.#pushManifestTo(ctx, host, descriptor, bytes, tag),
    );
  }

  /** The first host that takes pushes is the one: the next is another place. */
  async #onHost(
    ctx: Context,
    { digest }: Descriptor,
    push: (host: RegistryHost) => Promise<PushWriter | Refusal>,
  ): Promise<PushWriter> {
    let first: RegistryHost | undefined;
    return await this.#client.firstOf<PushWriter>(ctx, {
      action: `push "${digest}" to "${formatReference(this.#reference)}"`,
      domain: this.#reference.domain,
      capability: "push",
    }, async (host) => {
      first ??= host;
      if (host === first) return await push(host);
      return { code: "aborted", said: "not tried", retry: "never" };
    });
  }

  get #scopes(): readonly string[] {
    return [`repository:${this.#reference.path}:pull,push`];
  }

  async #pushBlobTo(
    ctx: Context,
    host: RegistryHost,
    descriptor: Descriptor,
    source: PushSource,
  ): Promise<PushWriter | Refusal> {
    const { path } = this.#reference;
    const head = await this.#client.send(ctx, host, {
      method: "HEAD",
      path: `/${path}/blobs/${descriptor.digest}`,
      scopes: this.#scopes,
    });
    if (head.kind === "response") {
      await head.response.body?.cancel();
      return { kind: "exists" };
    }
    if (head.refusal.code !== "notFound") return head.refusal;
    const mount = await this.#mount(ctx, host, descriptor, source);
    if (mount.kind === "mounted") return mount;
    const refusal = await upload(ctx, {
      client: this.#client,
      host,
      path,
      scopes: this.#scopes,
      descriptor,
      source,
    }, mount.location);
    return refusal ?? { kind: "pushed" };
  }

  /** A registry that can't mount has begun an upload instead. */
  async #mount(
    ctx: Context,
    host: RegistryHost,
    descriptor: Descriptor,
    { mountFrom = [] }: PushSource,
  ): Promise<
    | { readonly kind: "mounted"; readonly from: string }
    | { readonly kind: "begun"; readonly location: URL | undefined }
  > {
    const { path } = this.#reference;
    const from = mountFrom.filter((each) => each !== path).slice(0, MAX_MOUNTS);
    let location: URL | undefined;
    for (const each of from) {
      const answer = await this.#client.send(ctx, host, {
        method: "POST",
        path: `/${path}/blobs/uploads/`,
        query: { mount: descriptor.digest, from: each },
        headers: { "content-length": "0" },
        scopes: [...this.#scopes, pullScope(each)],
      });
      // No right to read there is no reason to fail.
      if (answer.kind === "refused") continue;
      await answer.response.body?.cancel();
      if (answer.response.status === 201) {
        return { kind: "mounted", from: each };
      }
      location = locationOf(answer, host);
    }
    return { kind: "begun", location };
  }

  async #pushManifestTo(
    ctx: Context,
    host: RegistryHost,
    descriptor: Descriptor,
    bytes: Uint8Array,
    tag: string | undefined,
  ): Promise<PushWriter | Refusal> {
    const path = `/${this.#reference.path}/manifests/${
      tag ?? descriptor.digest
    }`;
    const head = await this.#client.send(ctx, host, {
      method: "HEAD",
      path,
      headers: { accept: MANIFEST_ACCEPT },
      scopes: this.#scopes,
    });
    if (head.kind === "response") {
      await head.response.body?.cancel();
      const there = head.response.headers.get("docker-content-digest");
      if (there === descriptor.digest) return { kind: "exists" };
    }
    const body = bytes.slice();
    const answer = await this.#client.send(ctx, host, {
      method: "PUT",
      path,
      headers: { "content-type": descriptor.mediaType },
      body: () => Promise.resolve(body),
      scopes: this.#scopes,
      timeoutMs: this.#client.deps.timing.uploadTimeoutMs,
    });
    if (answer.kind === "refused") return answer.refusal;
    await answer.response.body?.cancel();
    const stored = answer.response.headers.get("docker-content-digest");
    if (stored !== null && stored !== descriptor.digest) {
      throw dataLoss(
        `Cannot push "${descriptor.digest}": the registry stored "${stored}"`,
      );
    }
    return { kind: "pushed" };
  }
}

/**
 * Every field, enumeration and method of containerd's API in what is generated
 * from `proto/`, against a list of them that is made of nothing of ours.
 */

import { assert, assertEquals, assertExists } from "@std/assert";
import { BinaryWriter } from "@bufbuild/protobuf/wire";

const ROOT = new URL("../", import.meta.url);

interface Codec {
  create(): Record<string, unknown>;
  encode(message: unknown): BinaryWriter;
  decode(bytes: Uint8Array): Record<string, unknown>;
}

interface Definition {
  readonly fullName: string;
  readonly methods: Readonly<
    Record<string, {
      readonly name: string;
      readonly requestType: unknown;
      readonly requestStream: boolean;
      readonly responseType: unknown;
      readonly responseStream: boolean;
    }>
  >;
}

/** What is generated, by the names that it has in `.proto` files. */
class Generated {
  readonly #exports = new Map<string, unknown>();

  static async load(): Promise<Generated> {
    const generated = new Generated();
    for (const url of await modulesBelow(new URL("proto/gen/", ROOT))) {
      const module = await import(url.href);
      for (const [name, value] of Object.entries(module)) {
        const path = name.replaceAll("_", ".");
        generated.#exports.set(`${module.protobufPackage}.${path}`, value);
      }
    }
    return generated;
  }

  codec(name: string): Codec {
    return this.#find(name) as Codec;
  }

  values(name: string): Readonly<Record<string, number>> {
    return this.#find(name) as Record<string, number>;
  }

  service(name: string): Definition {
    return this.#find(`${name}Definition`) as Definition;
  }

  #find(name: string): unknown {
    const found = this.#exports.get(name);
    assertExists(found, `${name} is not generated`);
    return found;
  }
}

async function modulesBelow(directory: URL): Promise<readonly URL[]> {
  const found: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const url = new URL(isDirectory ? `${name}/` : name, directory);
    if (isDirectory) found.push(...await modulesBelow(url));
    else if (name.endsWith(".ts")) found.push(url);
  }
  return found;
}

async function contract(): Promise<readonly string[]> {
  const text = await Deno.readTextFile(
    new URL("tests/golden/containerd_api.txt", ROOT),
  );
  return text.split("\n").filter((line) => line !== "" && line[0] !== "#");
}

const FIELD = /^(\S+) (\S+) = (\d+) (.+)$/;
const VALUE = /^(\S+) (\S+) = (-?\d+)$/;
const METHOD = /^rpc (\S+)\/(\S+) (stream )?(\S+) -> (stream )?(\S+)$/;

/** The shortest message that says something in one field. */
function oneField(number: number, type: string): Uint8Array {
  const writer = new BinaryWriter();
  const kind = type.replace(/^repeated /, "");
  if (/^(bool|u?int(32|64)|enum .*)$/.test(kind)) {
    // Repeated numbers are packed.
    return kind === type
      ? writer.uint32(number << 3).uint32(1).finish()
      : writer.uint32(number << 3 | 2).bytes(new Uint8Array([1])).finish();
  }
  return writer.uint32(number << 3 | 2).bytes(payload(kind)).finish();
}

function payload(type: string): Uint8Array {
  const [kind, key, value] = type.split(" ");
  if (kind === "string" || kind === "bytes") return new Uint8Array([0x78]);
  if (kind !== "map") return new Uint8Array();
  assertEquals(key, "string");
  return new BinaryWriter().uint32(1 << 3 | 2).string("k")
    .uint32(2 << 3 | 2).bytes(payload(value ?? "")).finish();
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

const generated = await Generated.load();
const lines = await contract();

Deno.test("what is generated has containerd's fields, each under its number", () => {
  const perMessage = new Map<string, number>();
  for (const line of lines) {
    const [, message = "", name = "", number, type = ""] = FIELD.exec(line) ??
      [];
    if (number === undefined) continue;
    perMessage.set(message, (perMessage.get(message) ?? 0) + 1);
    const codec = generated.codec(message);
    const bytes = oneField(Number(number), type);
    const decoded = codec.decode(bytes);
    const empty = codec.create();
    const changed = Object.keys(decoded).filter((key) =>
      Deno.inspect(decoded[key]) !== Deno.inspect(empty[key])
    );
    assertEquals(changed, [camelCase(name)], line);
    assertEquals([...codec.encode(decoded).finish()], [...bytes], line);
  }
  assert(perMessage.size > 200);
  for (const [message, fields] of perMessage) {
    const known = Object.keys(generated.codec(message).create());
    assertEquals(known.length, fields, `${message} has ${known}`);
  }
});

Deno.test("what is generated has containerd's enumerations", () => {
  let count = 0;
  for (const line of lines) {
    const [, name = "", value = "", number] = VALUE.exec(line) ?? [];
    if (number === undefined) continue;
    assertEquals(generated.values(name)[value], Number(number), line);
    count++;
  }
  assert(count > 20);
});

Deno.test("what is generated has containerd's methods, and no others", () => {
  const perService = new Map<string, number>();
  for (const line of lines) {
    const [, service = "", name, inputs, input = "", outputs, output = ""] =
      METHOD.exec(line) ?? [];
    if (name === undefined) continue;
    perService.set(service, (perService.get(service) ?? 0) + 1);
    const { fullName, methods } = generated.service(service);
    assertEquals(fullName, service);
    const method = Object.values(methods).find((it) => it.name === name);
    assertExists(method, line);
    assertEquals(method.requestStream, inputs !== undefined, line);
    assertEquals(method.responseStream, outputs !== undefined, line);
    assert(method.requestType === generated.codec(input), line);
    assert(method.responseType === generated.codec(output), line);
  }
  assertEquals(perService.size, 19);
  for (const [service, methods] of perService) {
    const known = Object.keys(generated.service(service).methods);
    assertEquals(known.length, methods, service);
  }
});

Deno.test("the contract has only lines that one of the tests reads", () => {
  const unread = lines.filter((line) =>
    ![FIELD, VALUE, METHOD].some((form) => form.test(line))
  );
  assertEquals(unread, []);
});

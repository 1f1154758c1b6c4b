/**
 * The layers of the source tree as a lint plugin, so that `deno lint` reports
 * a dependency that points the wrong way at the line that makes it.
 *
 * Tests (`*_test.ts`, and everything outside `src/`) may import what they
 * like, but not call native code.
 */

/** Folder of `src/` → the folders that it may import, besides itself. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  sys: ["base"],
  oci: ["base"],
  core: ["base", "oci"],
  rpc: ["base", "proto/gen"],
  engine: ["base", "oci", "core"],
  drivers: ["base", "sys", "oci", "core"],
  runtime: ["base", "sys", "oci", "core"],
  shim: ["base", "sys", "oci", "core", "runtime"],
  api: ["base", "oci", "core", "engine", "rpc", "proto/gen"],
  app: [
    "base",
    "sys",
    "oci",
    "core",
    "rpc",
    "engine",
    "drivers",
    "runtime",
    "shim",
    "api",
    "proto/gen",
  ],
  cli: ["base", "oci", "core", "engine", "app"],
};

/** Layers that compute only: streams in, streams out, no `Deno.*`. */
export const PURE_LAYERS: readonly string[] = ["base", "oci", "core"];

const NATIVE_MEMBERS: readonly string[] = [
  "dlopen",
  "UnsafeCallback",
  "UnsafeFnPointer",
  "UnsafePointer",
  "UnsafePointerView",
];

const ROOT = new URL("../", import.meta.url).pathname;

/** A file of the tree, seen by the rules. */
interface Place {
  /** `base`, `drivers`, …, `proto/gen`, or "" outside `src/`. */
  readonly layer: string;
  /** `overlay` of `drivers/overlay/mount.ts`; "" in any other layer. */
  readonly driver: string;
  readonly isTest: boolean;
  /** Suites and doubles for tests. */
  readonly isTesting: boolean;
}

/** @param path absolute, or relative to the repository */
function placeOf(path: string): Place {
  const inside = path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
  const [top, layer = "", driver = ""] = inside.split("/");
  const isGenerated = inside.startsWith("proto/gen/");
  return {
    layer: top === "src" ? layer : isGenerated ? "proto/gen" : "",
    driver: top === "src" && layer === "drivers"
      ? driver.replace(/\.ts$/, "")
      : "",
    isTest: top !== "src" || /(^|[_/])test\.ts$/.test(inside),
    isTesting: /(^|\/)testing(\/|\.ts$)/.test(inside),
  };
}

/** Why `from` may not import `specifier`; undefined if it may. */
export function importProblem(
  from: string,
  specifier: string,
): string | undefined {
  const source = placeOf(from);
  if (source.isTest || source.layer === "") return undefined;
  if (!specifier.startsWith(".")) return undefined;
  const target = placeOf(
    new URL(specifier, `file://${absolute(from)}`).pathname,
  );
  if (target.isTesting && !source.isTesting) {
    return `"${specifier}" is for tests only`;
  }
  if (target.layer === source.layer) return driverProblem(source, target);
  const allowed = LAYERS[source.layer];
  if (allowed === undefined) {
    return `src/${source.layer} is not in the table of layers`;
  }
  if (target.layer === "") return `"${specifier}" is not a part of src/`;
  if (allowed.includes(target.layer)) return undefined;
  const list = allowed.length === 0 ? "nothing" : allowed.join(", ");
  return `${source.layer} may import ${list}, but not ${target.layer}`;
}

function driverProblem(source: Place, target: Place): string | undefined {
  if (source.driver === target.driver) return undefined;
  return `driver ${source.driver} may not import driver ${target.driver}`;
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : ROOT + path;
}

const HINTS = {
  import: "Depend on an interface in src/core, or move the code down a layer",
  native: "Put the call behind a function in src/sys",
  pure: "Pass in what is needed, or move the code out of this layer",
  lazyNode: "Use Deno.*, or `await import()` it in the function that needs it",
} as const;

function importsRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const check = (node: Deno.lint.Node, specifier: unknown) => {
    if (typeof specifier !== "string") return;
    const problem = importProblem(context.filename, specifier);
    if (problem === undefined) return;
    context.report({
      node,
      message: `Cannot import: ${problem}`,
      hint: HINTS.import,
    });
  };
  return {
    ImportDeclaration: (node) => check(node, node.source.value),
    ExportAllDeclaration: (node) => check(node, node.source.value),
    ExportNamedDeclaration: (node) => check(node, node.source?.value),
    ImportExpression(node) {
      if (node.source.type === "Literal") check(node, node.source.value);
    },
    TSImportType(node) {
      if (node.argument.type === "TSLiteralType") {
        const { literal } = node.argument;
        if (literal.type === "Literal") check(node, literal.value);
      }
    },
  };
}

/** `Deno.x` and `globalThis.Deno.x`, by name or by string. */
function denoMember(node: Deno.lint.MemberExpression): string | undefined {
  const { object, property } = node;
  const isDeno = object.type === "Identifier" && object.name === "Deno" ||
    object.type === "MemberExpression" &&
      object.property.type === "Identifier" && object.property.name === "Deno";
  if (!isDeno) return undefined;
  if (property.type === "Literal") return String(property.value);
  return property.type === "Identifier" && !node.computed ? property.name : "?";
}

function nativeRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  if (placeOf(context.filename).layer === "sys") return {};
  return {
    MemberExpression(node) {
      const member = denoMember(node);
      if (member === undefined || !NATIVE_MEMBERS.includes(member)) return;
      context.report({
        node,
        message: `Deno.${member} is used outside src/sys`,
        hint: HINTS.native,
      });
    },
    "VariableDeclarator[init.name='Deno'] > ObjectPattern"(
      node: Deno.lint.ObjectPattern,
    ) {
      context.report({
        node,
        message: "Deno is taken apart, which hides native calls",
        hint: "Write Deno.name where it is used",
      });
    },
  };
}

function pureRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const { layer, isTest, isTesting } = placeOf(context.filename);
  if (isTest || isTesting || !PURE_LAYERS.includes(layer)) return {};
  return {
    MemberExpression(node) {
      const member = denoMember(node);
      if (member === undefined) return;
      context.report({
        node,
        message: `Deno.${member} is used in ${layer}, which only computes`,
        hint: HINTS.pure,
      });
    },
  };
}

function lazyNodeRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const { layer, isTest, isTesting } = placeOf(context.filename);
  if (isTest || isTesting || layer === "rpc") return {};
  return {
    ImportDeclaration(node) {
      const isModule = String(node.source.value).startsWith("node:");
      if (!isModule || node.importKind === "type") return;
      context.report({
        node,
        message: `"${node.source.value}" is loaded at every start`,
        hint: HINTS.lazyNode,
      });
    },
  };
}

const plugin: Deno.lint.Plugin = {
  name: "coracle",
  rules: {
    "layers": { create: importsRule },
    "native-in-sys": { create: nativeRule },
    "pure": { create: pureRule },
    "lazy-node": { create: lazyNodeRule },
  },
};

export default plugin;

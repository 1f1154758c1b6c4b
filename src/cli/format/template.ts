/** Runs the templates of `--format`. Strict: an unknown field is an error. */

import { invalidArgument } from "../../base/errors.ts";
import { callFunction } from "./template_functions.ts";
import {
  type Expression,
  type FieldExpression,
  parseTemplate,
  type TemplateNode,
} from "./template_parse.ts";
import { ELEMENT, goString, Nil } from "./go_string.ts";

/** Renders one value. */
export type Template = (data: unknown) => string;

/** @throws {EngineError} `invalidArgument`, here and when it is rendered */
export function compileTemplate(source: string): Template {
  const nodes = parseTemplate(source);
  return (data) => render(nodes, { dot: data, variables: { "": data } });
}

interface Scope {
  readonly dot: unknown;
  /** `""` is `$`, the data at the start. */
  variables: Readonly<Record<string, unknown>>;
}

function render(nodes: readonly TemplateNode[], outer: Scope): string {
  const scope = { ...outer };
  let text = "";
  for (const node of nodes) {
    if (node.kind === "set") {
      const value = evaluate(node.value, scope);
      scope.variables = { ...scope.variables, [node.name]: value };
    } else {
      text += renderNode(node, scope);
    }
  }
  return text;
}

function renderNode(
  node: Exclude<TemplateNode, { kind: "set" }>,
  scope: Scope,
): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "print":
      return goString(evaluate(node.value, scope));
    case "if":
    case "with": {
      const value = evaluate(node.value, scope);
      if (!isTrue(value)) return render(node.otherwise, scope);
      return render(
        node.body,
        node.kind === "with" ? { ...scope, dot: value } : scope,
      );
    }
    case "range":
      return renderRange(node, scope);
    default:
      return node satisfies never;
  }
}

function renderRange(
  node: TemplateNode & { kind: "range" },
  scope: Scope,
): string {
  const entries = entriesOf(evaluate(node.value, scope));
  if (entries.length === 0) return render(node.otherwise, scope);
  const names = node.variables;
  return entries.map(([key, value]) => {
    const loop = names.length === 2
      ? { [names[0] ?? ""]: key, [names[1] ?? ""]: value }
      : names.length === 1
      ? { [names[0] ?? ""]: value }
      : {};
    const variables = { ...scope.variables, ...loop };
    return render(node.body, { dot: value, variables });
  }).join("");
}

function entriesOf(value: unknown): [unknown, unknown][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  if (typeof value === "object") {
    return Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  }
  throw invalidArgument(`Cannot range over "${goString(value)}" in a template`);
}

function evaluate(expression: Expression, scope: Scope): unknown {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "dot":
      return scope.dot;
    case "variable":
      if (!(expression.name in scope.variables)) {
        throw invalidArgument(
          `Cannot use variable "$${expression.name}" in a template: not set`,
        );
      }
      return scope.variables[expression.name];
    case "field":
      return callField(expression, [], scope);
    case "method":
      return callField(expression.field, expression.args, scope);
    case "call": {
      const { name, args } = expression;
      if (name === "and" || name === "or") {
        return shortCircuit(name, args, scope);
      }
      return callFunction(name, args.map((arg) => evaluate(arg, scope)));
    }
    default:
      return expression satisfies never;
  }
}

function shortCircuit(
  name: "and" | "or",
  args: readonly Expression[],
  scope: Scope,
): unknown {
  let value: unknown;
  for (const arg of args) {
    value = evaluate(arg, scope);
    if (isTrue(value) === (name === "or")) return value;
  }
  return value;
}

/** The field, or what it gives for the arguments if it is a method. */
function callField(
  { of, name }: FieldExpression,
  args: readonly Expression[],
  scope: Scope,
): unknown {
  const value = field(evaluate(of, scope), name);
  const isMethod = typeof value === "function";
  const wanted = isMethod ? value.length : 0;
  if (args.length !== wanted) {
    throw invalidArgument(
      `Cannot use field "${name}" with ${args.length} arguments in a ` +
        `template: it takes ${wanted}`,
    );
  }
  return isMethod ? value(...args.map((arg) => evaluate(arg, scope))) : value;
}

function field(of: unknown, name: string): unknown {
  const hasFields = typeof of === "object" && of !== null &&
    !Array.isArray(of) && !(of instanceof Nil);
  if (hasFields) {
    if (Object.hasOwn(of, name)) return (of as Record<string, unknown>)[name];
    if (ELEMENT in of) return undefined;
    throw invalidArgument(`Cannot find field "${name}" for the template`, {
      hint: `The fields here are ${Object.keys(of).join(", ")}`,
    });
  }
  throw invalidArgument(
    `Cannot find field "${name}" for the template: "${
      goString(of)
    }" has no fields`,
  );
}

/** Go's truth: not false, 0, nil, or empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length > 0;
  }
  return Boolean(value);
}

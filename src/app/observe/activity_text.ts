/** What the daemon is doing, for people to read. */

import type { Activity } from "./activity.ts";

export function activityText(activity: Activity): string {
  const { version, deno, v8, pid, calls, tasks, plugins } = activity;
  const up = seconds(activity.at.getTime() - activity.startedAt.getTime());
  const failed = plugins.filter(({ status }) => status !== "ok");
  return [
    `coracle ${version}, Deno ${deno}, V8 ${v8}`,
    `process ${pid}, up ${up}, timers ${activity.loopDelayMs} ms late`,
    `memory: ${memoryText(activity.memory)}`,
    `descriptors: ${tallyText(activity.descriptors)}`,
    `threads: ${tallyText(activity.threads)}`,
    `children: ${activity.children}`,
    "",
    `${calls.length} open calls`,
    ...calls.map(callText(activity.at.getTime())),
    "",
    `${tasks.length} tasks`,
    ...tasks.map(({ namespace, id, pid, status }) =>
      `  ${namespace}/${id}: ${status}, process ${pid}`
    ),
    "",
    `${plugins.length - failed.length} of ${plugins.length} plugins are open`,
    ...failed.map(({ type, id, status }) => `  ${type}.${id}: ${status}`),
    "",
  ].join("\n");
}

function callText(now: number): (call: Activity["calls"][number]) => string {
  return ({ path, namespace, request, startedAt, state, received, sent }) => {
    const more = [
      `for ${seconds(now - startedAt)}`,
      ...namespace === "" ? [] : [`namespace ${namespace}`],
      ...request === "" ? [] : [`request ${request}`],
      `${received} in, ${sent} out`,
      ...state === "left" ? ["its caller has gone"] : [],
    ];
    return `  ${path} ${more.join(", ")}`;
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function memoryText(memory: Activity["memory"]): string {
  return Object.entries(memory).map(([name, bytes]) =>
    `${name} ${(bytes / 2 ** 20).toFixed(1)} MiB`
  ).join(", ");
}

function tallyText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`).join(", ");
}

/**
 * What the debug socket answers. The paths that begin with `/debug/pprof` are
 * those of `ctr pprof`, which shows what it gets.
 */

import { activity, type ActivityDeps } from "./activity.ts";
import { type HttpAnswer, type HttpQuestion, plainAnswer } from "./http.ts";

type Answerer = (question: HttpQuestion) => Promise<HttpAnswer>;

const MOST_SECONDS = 600;
const DEFAULT_SECONDS = 30;

/** @returns what answers each path */
export function debugAnswers(deps: ActivityDeps): Answerer {
  const profile = oneAtATime(profileAnswer);
  const heap = heapAnswer;
  const stack = () => stackAnswer(deps);
  const answers: Readonly<Record<string, Answerer>> = {
    "/debug/info": async () => json(await activity(deps)),
    "/debug/stack": stack,
    "/debug/heap": heap,
    "/debug/profile": profile,
    "/debug/pprof/goroutine": stack,
    "/debug/pprof/heap": heap,
    "/debug/pprof/profile": profile,
  };
  return async (question) => {
    const answer = answers[question.url.pathname];
    if (answer !== undefined) return await answer(question);
    return plainAnswer(404, `There are ${Object.keys(answers).join(" ")}`);
  };
}

async function stackAnswer(deps: ActivityDeps): Promise<HttpAnswer> {
  const { activityText } = await import("./activity_text.ts");
  const body = activityText(await activity(deps));
  return { status: 200, type: "text/plain; charset=utf-8", body };
}

async function heapAnswer(): Promise<HttpAnswer> {
  const { heapSnapshot } = await import("./heap_snapshot.ts");
  return { status: 200, type: "application/json", body: heapSnapshot() };
}

async function profileAnswer(
  { url, signal }: HttpQuestion,
): Promise<HttpAnswer> {
  const text = url.searchParams.get("seconds") ?? String(DEFAULT_SECONDS);
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= MOST_SECONDS)) {
    return plainAnswer(
      400,
      `Cannot profile for "${text}" seconds\n` +
        `hint: Name a number above 0, and at most ${MOST_SECONDS}`,
    );
  }
  const { cpuProfile } = await import("./cpu_profile.ts");
  const body = await cpuProfile(seconds * 1000, signal);
  return { status: 200, type: "application/json", body };
}

/** Two profiles at once would each be of the other. */
function oneAtATime(answer: Answerer): Answerer {
  let isBusy = false;
  return async (question) => {
    if (isBusy) return plainAnswer(409, "Somebody else is asking for this");
    isBusy = true;
    try {
      return await answer(question);
    } finally {
      isBusy = false;
    }
  };
}

function json(value: unknown): HttpAnswer {
  const body = `${JSON.stringify(value, undefined, 2)}\n`;
  return { status: 200, type: "application/json", body };
}

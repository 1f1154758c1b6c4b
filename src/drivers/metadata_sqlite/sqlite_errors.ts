import { EngineError, type ErrorCode } from "../../base/errors.ts";

/** Primary result codes. @see sqlite.org/rescode.html */
const RESULT = {
  error: 1,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

interface Translation {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly hint?: string;
}

const DAMAGED: Translation = {
  code: "dataLoss",
  problem: "it is damaged",
  hint: "Run the command again: the database is then rebuilt from what is " +
    "on disk, and the damaged file is kept beside it",
};

const BUSY: Translation = {
  code: "unavailable",
  problem: "another process keeps it locked",
  hint: "Run the command again",
};

const TRANSLATIONS: Readonly<Record<number, Translation>> = {
  [RESULT.busy]: BUSY,
  [RESULT.locked]: BUSY,
  [RESULT.readOnly]: {
    code: "permissionDenied",
    problem: "it can't be written",
    hint: "Use the store as the user who owns it",
  },
  [RESULT.ioError]: { code: "dataLoss", problem: "reading or writing failed" },
  [RESULT.corrupt]: DAMAGED,
  [RESULT.full]: {
    code: "resourceExhausted",
    problem: "the disk is full",
    hint: "Free some space, for instance with `coracle system prune --all`",
  },
  [RESULT.cannotOpen]: {
    code: "permissionDenied",
    problem: "it can't be opened",
    hint: "Check that you may write its directory",
  },
  [RESULT.notADatabase]: DAMAGED,
};

/** Where the module gives no code, in `exec` and when opening, only words. */
const WORDS: readonly (readonly [RegExp, number])[] = [
  [/^unable to open database file/, RESULT.cannotOpen],
  [/^database is locked/, RESULT.busy],
  [/^file is not a database/, RESULT.notADatabase],
  [/^database disk image is malformed/, RESULT.corrupt],
  [/^database or disk is full/, RESULT.full],
  [/^attempt to write a readonly database/, RESULT.readOnly],
  [/^disk I\/O error/, RESULT.ioError],
];

/** The primary result code of a failure inside SQLite; undefined if it is none. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  if (error.code !== "ERR_SQLITE_ERROR") return undefined;
  if ("errcode" in error && typeof error.errcode === "number") {
    return error.errcode & 0xff; // the rest is the extended code
  }
  const known = WORDS.find(([words]) => words.test(error.message));
  return known?.[1] ?? RESULT.error;
}

/** Translates a failure of SQLite; anything else is returned as it is. */
export function storeError(
  error: unknown,
  path: string,
  onDamage: () => void,
): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  if (code === RESULT.corrupt || code === RESULT.notADatabase) onDamage();
  const translation = TRANSLATIONS[code];
  if (translation === undefined) {
    const text = error instanceof Error ? error.message : String(error);
    return new EngineError(
      "internal",
      `Cannot use the database "${path}": ${text}`,
      { cause: error },
    );
  }
  const { hint } = translation;
  return new EngineError(
    translation.code,
    `Cannot use the database "${path}": ${translation.problem}`,
    hint === undefined ? { cause: error } : { cause: error, hint },
  );
}

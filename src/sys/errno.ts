import { EngineError, type ErrorCode } from "../base/errors.ts";
import { errnoMessage } from "./libc.ts";

/** Error numbers of Linux, the same on x86-64 and aarch64. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EUSERS: 87,
  EOPNOTSUPP: 95,
  EDQUOT: 122,
} as const;

const CODE_OF: Readonly<Record<number, ErrorCode>> = {
  [ERRNO.EPERM]: "permissionDenied",
  [ERRNO.EACCES]: "permissionDenied",
  [ERRNO.EROFS]: "permissionDenied",
  [ERRNO.ENOENT]: "notFound",
  [ERRNO.ESRCH]: "notFound",
  [ERRNO.ECHILD]: "notFound",
  [ERRNO.EEXIST]: "alreadyExists",
  [ERRNO.EINVAL]: "invalidArgument",
  [ERRNO.ENAMETOOLONG]: "invalidArgument",
  [ERRNO.ELOOP]: "invalidArgument",
  [ERRNO.ENOTDIR]: "failedPrecondition",
  [ERRNO.EISDIR]: "failedPrecondition",
  [ERRNO.ENOTEMPTY]: "failedPrecondition",
  [ERRNO.EBUSY]: "failedPrecondition",
  [ERRNO.EXDEV]: "failedPrecondition",
  [ERRNO.ENOSPC]: "resourceExhausted",
  [ERRNO.EDQUOT]: "resourceExhausted",
  [ERRNO.ENOMEM]: "resourceExhausted",
  [ERRNO.EMFILE]: "resourceExhausted",
  [ERRNO.ENOSYS]: "unimplemented",
  [ERRNO.EOPNOTSUPP]: "unimplemented",
  [ERRNO.EAGAIN]: "unavailable",
  [ERRNO.EIO]: "dataLoss",
};

/** A system call that failed. */
export class SysError extends EngineError {
  readonly errno: number;
  readonly syscall: string;

  /**
   * @param subject what the call was about, usually a path
   * @param detail what the kernel says beyond the number
   */
  constructor(
    syscall: string,
    errno: number,
    subject: string,
    detail?: string,
  ) {
    const reason = errnoMessage(errno).toLowerCase();
    super(
      CODE_OF[errno] ?? "unknown",
      `Cannot ${syscall} "${subject}": ${reason}` +
        (detail === undefined ? "" : ` (${detail})`),
    );
    this.syscall = syscall;
    this.errno = errno;
  }
}

/** True if `thrown` is a failed system call with one of these numbers. */
export function hasErrno(
  thrown: unknown,
  ...numbers: readonly number[]
): thrown is SysError {
  return thrown instanceof SysError && numbers.includes(thrown.errno);
}

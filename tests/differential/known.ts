/**
 * Where our daemon answers otherwise than containerd 1.6, and why. An entry
 * that is not needed is an error: this list says what is, no more.
 */

export interface Known {
  /** `GROUP: STEP` */
  readonly step: string;
  /** Of the field, or what it begins with. */
  readonly path: string;
  readonly why: string;
}

export const KNOWN: readonly Known[] = [];

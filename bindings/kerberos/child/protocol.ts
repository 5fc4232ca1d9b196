/** What is said between a connection and its helper process: JSON, one message a line. */

/** As the module takes them. */
export interface InitializeOptions {
  /** Whose ticket it is. Default: the connection's principal. */
  principal?: string;
  /** GSS_C_… flags, added up. Default: mutual authentication and sequence. */
  flags?: number;
  /** `GSS_MECH_OID_KRB5` or `GSS_MECH_OID_SPNEGO`. Default: Kerberos. */
  mechOID?: number;
}

export type HelperRequest =
  /** A security context for a service. Its answer is the context's number. */
  | { op: 'initialize'; service: string; options: InitializeOptions }
  | { op: 'step'; context: number; challenge: string }
  | { op: 'wrap'; context: number; data: string; options: { protect?: boolean; user?: string } }
  | { op: 'unwrap'; context: number; data: string }
  /** The context is needed no more. */
  | { op: 'free'; context: number }
  /** Which module and library are at work. */
  | { op: 'version' };

/** What a context is like after a call. */
export interface ContextState {
  /** base64; what `step`, `wrap` or `unwrap` gave. */
  response: string;
  responseConf: number;
  isComplete: boolean;
  /** Known when the context is complete. */
  username: string | null;
}

/** Number of the reply that nobody has asked for: the process runs. */
export const READY = 0;

export type HelperReply =
  | { id: number; value: ContextState | number | string | null }
  /** `isLoading`: the module itself could not be loaded. */
  | { id: number; error: string; isLoading?: boolean };

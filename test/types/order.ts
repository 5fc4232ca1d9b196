/** A source whose rows are known, and one whose rows are not. */
import type { EntrySource, MessageSource, RowSource, SecretSource } from '@qa/jest-preset';

export interface Order {
  id: string;
  status: 'PENDING' | 'PAID';
  total: string;
  items: { sku: string; count: number }[];
  paidAt: Date | null;
}

export declare const orders: RowSource<Order>;
export declare const anything: RowSource;
/** A topic with declared codecs. */
export declare const topic: MessageSource<{
  key: string;
  value: Order | null;
  headers: Record<string, string>;
  partition: number;
}>;
/** A key whose value is known, and one whose value is not. */
export declare const cached: EntrySource<Order>;
export declare const key: EntrySource;
/** A secret whose keys are known, and one whose keys are not. */
export declare const login: SecretSource<{ user: string; password: string }>;
export declare const secret: SecretSource;

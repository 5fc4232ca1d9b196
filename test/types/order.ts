/** A source whose rows are known, and one whose rows are not. */
import type { EntrySource, MessageSource, RowSource } from '@qa/jest-preset';

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

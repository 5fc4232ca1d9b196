/** All rows of a statement: one request of the driver gives but the first page of them. */
import type cassandra from 'cassandra-driver';

export type Page = cassandra.types.ResultSet;

export interface AllRows {
  rows: cassandra.types.Row[];
  /** Absent where the statement gives no rows. */
  columns: Page['columns'] | undefined;
}

/** @param send sends the statement, for the page that begins at `pageState` */
export async function allPages(send: (pageState: string | undefined) => Promise<Page>): Promise<AllRows> {
  const first = await send(undefined);
  const rows = first.rows ?? [];
  for (let { pageState } = first; pageState; ) {
    const page = await send(pageState);
    for (const row of page.rows) rows.push(row);
    pageState = page.pageState;
  }
  return { rows, columns: first.columns };
}

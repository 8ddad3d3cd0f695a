import type { LocalChange, LocalRecord, LocalStore } from './local-store.js';

/** A record as the database has it. */
interface Row {
  area: string;
  key: string;
  value: unknown;
}

/** Keeps everything in IndexedDB, in one database for all apps and users of the page's origin. @internal */
export function indexedDBStore(factory: IDBFactory | null, name = 'callbox'): LocalStore {
  let opened: Promise<IDBDatabase> | null = null;
  const forget = (): void => void (opened = null);

  async function access<Result>(
    mode: IDBTransactionMode,
    work: (rows: IDBObjectStore) => Promise<Result>,
  ): Promise<Result> {
    if (!factory) throw new Error('This environment has no IndexedDB.');
    opened ??= open(factory, name, forget);
    const transaction = (await opened.catch(rethrowAfter(forget))).transaction(ROWS, mode);
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB gave up.'));
    });
    const worked = work(transaction.objectStore(ROWS)).catch(
      rethrowAfter(() => abort(transaction)),
    );
    const [result] = await Promise.all([worked, done]);
    return result;
  }

  return {
    load: (area) =>
      access('readonly', async (rows) => {
        const found = (await answerOf(rows.index(BY_AREA).getAll(area))) as Row[];
        return found.map(({ key, value }): LocalRecord => [key, value]);
      }),
    write: (area, change) => access('readwrite', (rows) => write(rows, area, change)),
  };
}

async function write(
  rows: IDBObjectStore,
  area: string,
  { clear, records, allows }: LocalChange,
): Promise<boolean> {
  if (allows) {
    const row = (await answerOf(rows.get([area, 'cursor']))) as Row | undefined;
    if (!allows(row?.value)) return false;
  }
  if (clear) {
    const keys = await answerOf(rows.index(BY_AREA).getAllKeys(area));
    for (const key of keys) rows.delete(key);
  }
  for (const [key, value] of records) {
    if (value === undefined) rows.delete([area, key]);
    else rows.put({ area, key, value } satisfies Row);
  }
  return true;
}

/** What was asked for already must not be done without the rest. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // Over already: a request that fails takes its transaction with it.
  }
}

async function open(factory: IDBFactory, name: string, closed: () => void): Promise<IDBDatabase> {
  const request = factory.open(name, VERSION);
  request.onupgradeneeded = () => {
    const rows = request.result.createObjectStore(ROWS, { keyPath: ['area', 'key'] });
    rows.createIndex(BY_AREA, 'area');
  };
  const blocked = new Promise<never>((_resolve, reject) => {
    request.onblocked = () => reject(new Error('Another page keeps an older database open.'));
  });
  const database = await Promise.race([answerOf(request), blocked]);
  // Whoever wants to delete or change the database must not wait for this page.
  database.onversionchange = () => {
    database.close();
    closed();
  };
  database.onclose = closed;
  return database;
}

/** A request as a promise. A transaction lives on while its requests are followed by others at once. */
function answerOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB refused a request.'));
  });
}

function rethrowAfter(react: () => void): (error: unknown) => never {
  return (error) => {
    react();
    throw error;
  };
}

const VERSION = 1;
const ROWS = 'records';
const BY_AREA = 'area';

import type { DirectoryEntry } from '@callbox/wire';
import type { ServerFrameOf } from './frames.js';
import type { Query } from './http.js';
import type { Page } from './types.js';
import { Island, type World } from './world.js';

/** What {@link Directory} tells. */
export interface DirectoryEvents {
  /** A user was added to the app. */
  added: DirectoryEntry;
}

/** Where the island's requests go. @internal */
export type DirectoryGet = <Answer>(path: string, query: Query) => Promise<Answer>;

/** The users of an app whose directory is open to everyone. */
export class Directory extends Island<DirectoryEvents> {
  readonly #get: DirectoryGet;

  /** @internal */
  constructor(world: World, get: DirectoryGet) {
    super(world);
    this.#get = get;
  }

  /** The users and whether they are there, by id. */
  list(options: { limit?: number; cursor?: string } = {}): Promise<Page<DirectoryEntry>> {
    return this.#get('/v1/users', { ...options });
  }

  /** @internal */
  handleChanged(frame: ServerFrameOf<'directory.changed'>): void {
    this.emit('added', frame.entry);
  }
}

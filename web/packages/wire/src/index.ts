/**
 * What travels between a client and the server, as types. The server's Rust types are the source;
 * `cargo xtask gen` turns them into `schema.ts`, where every schema is exported under its own name.
 */
import type { ClientFrame, ServerFrame } from './schema.js';

export type * from './schema.js';

/** The names of the frames that a client sends, such as `message.send`. */
export type ClientFrameType = ClientFrame['type'];

/** The names of the frames that the server sends, such as `message.created`. */
export type ServerFrameType = ServerFrame['type'];

/** The one client frame with this name. */
export type ClientFrameOf<Type extends ClientFrameType> = Extract<ClientFrame, { type: Type }>;

/** The one server frame with this name. */
export type ServerFrameOf<Type extends ServerFrameType> = Extract<ServerFrame, { type: Type }>;

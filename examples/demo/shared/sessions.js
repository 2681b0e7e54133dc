// Sessions in memory, named by a random cookie. A real application would use its framework's.

import { randomBytes } from "node:crypto";

const LIFETIME_MS = 8 * 60 * 60 * 1000;
const MOST = 1_000;

/** Keeps values under random names, for a while and not too many of them. */
export class Shelf {
  #values = new Map();
  #lifetime;

  constructor(lifetime = LIFETIME_MS) {
    this.#lifetime = lifetime;
  }

  put(value) {
    if (this.#values.size >= MOST) {
      this.#values.delete(this.#values.keys().next().value);
    }
    const name = randomBytes(24).toString("base64url");
    this.#values.set(name, { value, until: Date.now() + this.#lifetime });
    return name;
  }

  get(name) {
    const kept = this.#values.get(name);
    return kept && kept.until > Date.now() ? kept.value : undefined;
  }

  /** Gives the value to one caller. */
  take(name) {
    const value = this.get(name);
    this.#values.delete(name);
    return value;
  }
}

export function readCookie(request, name) {
  for (const pair of (request.headers.cookie ?? "").split("; ")) {
    if (pair.startsWith(`${name}=`)) {
      return pair.slice(name.length + 1);
    }
  }
  return undefined;
}

/** Over https the name would be `__Host-…` and `Secure` set; the demo is plain http on loopback. */
export function cookie(name, value) {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax`;
}

export function noCookie(name) {
  return `${name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`;
}

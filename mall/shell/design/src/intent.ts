/** A key for one intent of a person: the same key is the same command, however often it is sent. */
export function newKey(): string {
  return crypto.randomUUID();
}

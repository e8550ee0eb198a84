// A browser as far as login pages need one: cookies, forms, and stopping where a redirect leaves for the party.

/** More redirects than any login needs. */
const MOST_REDIRECTS = 10;

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'", '#x3d': '=', '#x2f': '/' };

export class Browser {
  cookies = new Map();

  /** `home`: whoever listens there is not in the tests' world; a redirect to it is where a journey ends. */
  constructor(home) {
    this.home = home;
  }

  /** Opens an address; returns the page it ends at, or `{ left }`, the address at the party. */
  async open(url, request = { method: 'GET' }) {
    return this.#follow(url, request);
  }

  /** Fills in the form of a page and sends it, hidden fields (against forged requests, too) as they came. */
  async submit(page, fields) {
    const [, head, body] = /<form([^>]*)>([\s\S]*?)<\/form>/.exec(page.body) ?? [];
    if (head === undefined) throw new Error(`no form at ${page.url}: ${page.status} ${page.body}`);
    const form = new URLSearchParams();
    for (const [input] of body.matchAll(/<input[^>]*>/g)) {
      if (attribute(input, 'type') === 'hidden') form.set(attribute(input, 'name'), attribute(input, 'value') ?? '');
    }
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return this.#follow(new URL(attribute(head, 'action'), page.url).href, { method: 'POST', body: form });
  }

  async #follow(url, request) {
    for (let hop = 0; hop < MOST_REDIRECTS; hop += 1) {
      if (url.startsWith(this.home)) return { left: new URL(url) };
      const headers = { ...request.headers, cookie: this.#cookie() };
      const response = await fetch(url, { ...request, redirect: 'manual', headers });
      response.headers.getSetCookie().forEach((cookie) => this.#keep(cookie));
      const next = response.headers.get('location');
      if (next === null) return { url, status: response.status, body: await response.text() };
      [url, request] = [new URL(next, url).href, { method: 'GET' }];
    }
    throw new Error(`redirected without end, last to ${url}`);
  }

  #cookie() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(cookie) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    const isOver = value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(cookie);
    if (isOver) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

function attribute(tag, name) {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
  return found?.[1].replace(/&([^;]+);/g, (whole, entity) => ENTITIES[entity.toLowerCase()] ?? whole);
}

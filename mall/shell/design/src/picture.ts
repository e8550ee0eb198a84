// Pictures of goods, drawn from a seed: the same seed is the same picture everywhere, and no file is fetched for it.

/** An element of the drawing; `fill` and `stroke` name a colour of the palette. */
export interface Stroke {
  tag: 'rect' | 'circle' | 'ellipse' | 'path' | 'line';
  at: Record<string, string | number>;
}

export interface Picture {
  ground: string;
  strokes: Stroke[];
}

/** Ground, big shape, body, light part, ink: chosen to be apart from each other on both themes. */
const PALETTES = [
  ['#f4d9c6', '#eab892', '#c8401a', '#fff3e6', '#3b1d12'],
  ['#cfe3da', '#9fc9b8', '#1f6f5c', '#f2fbf6', '#0f2f28'],
  ['#d8dcf2', '#b2bae3', '#3c4a9e', '#f4f5ff', '#171c45'],
  ['#f3e3a9', '#e6c95c', '#8a5a12', '#fff9e0', '#3a2605'],
  ['#f2d3dc', '#e3a3b7', '#a02c56', '#fff1f5', '#43101f'],
  ['#cbe4ef', '#94c6dd', '#1d6787', '#effaff', '#0b2e3d'],
  ['#e3dbcf', '#c9bba5', '#6b5537', '#fbf7f0', '#2c2315'],
  ['#dbe8c2', '#b3cf83', '#4d7420', '#f7fce9', '#20310b'],
] as const;

type Draw = (c: { body: string; light: string; ink: string; shape: string; turn: number }) => Stroke[];

const rect = (x: number, y: number, width: number, height: number, rx: number, fill: string): Stroke => ({
  tag: 'rect',
  at: { x, y, width, height, rx, fill },
});
const circle = (cx: number, cy: number, r: number, fill: string): Stroke => ({
  tag: 'circle',
  at: { cx, cy, r, fill },
});
const path = (d: string, fill: string): Stroke => ({ tag: 'path', at: { d, fill } });
const line = (d: string, stroke: string, width = 5): Stroke => ({
  tag: 'path',
  at: { d, fill: 'none', stroke, 'stroke-width': width, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' },
});

const GLYPHS: Record<string, Draw> = {
  tv: ({ body, light, ink, shape }) => [
    rect(42, 52, 116, 78, 10, ink),
    rect(50, 60, 100, 62, 5, light),
    path('M50 108l30-26 22 18 16-12 32 24v10H50z', shape),
    circle(126, 76, 8, body),
    path('M88 130h24l6 18H82z', body),
    rect(72, 146, 56, 8, 4, ink),
  ],
  mask: ({ body, light, ink }) => [
    line('M58 86c-22 0-26 34 2 36M142 86c22 0 26 34-2 36', ink),
    path('M56 78c28-14 60-14 88 0v30c0 26-24 40-44 40s-44-14-44-40z', light),
    line('M64 94c24-9 48-9 72 0M64 110c24 8 48 8 72 0M74 127c18 7 34 7 52 0', body, 4),
  ],
  notebook: ({ body, light, ink, shape }) => [
    rect(60, 44, 88, 114, 8, body),
    rect(52, 44, 20, 114, 6, ink),
    rect(84, 64, 48, 26, 4, light),
    line('M90 74h36M90 82h22', shape, 3),
    ...[60, 84, 108, 132].map((y) => rect(46, y, 16, 7, 3.5, shape)),
  ],
  table: ({ body, light, ink, shape }) => [
    { tag: 'ellipse', at: { cx: 100, cy: 84, rx: 62, ry: 18, fill: ink } },
    { tag: 'ellipse', at: { cx: 100, cy: 79, rx: 62, ry: 18, fill: body } },
    line('M58 92l-8 60M142 92l8 60M86 98l-3 50M114 98l3 50', ink, 7),
    rect(90, 50, 18, 28, 4, light),
    line('M99 52c-2-12 4-16 12-20M99 52c0-10-8-14-14-14', shape, 5),
  ],
  clock: ({ body, light, ink, shape }) => [
    circle(100, 100, 54, ink),
    circle(100, 100, 45, light),
    ...[0, 90, 180, 270].map((a): Stroke => ({
      tag: 'rect',
      at: { x: 97, y: 60, width: 6, height: 12, rx: 3, fill: shape, transform: `rotate(${a} 100 100)` },
    })),
    line('M100 100V72M100 100l20 12', body, 7),
    circle(100, 100, 6, ink),
    line('M64 60l-10-8M136 60l10-8', ink, 8),
  ],
  cup: ({ body, light, ink, shape }) => [
    path('M58 78h74v44c0 18-14 28-37 28s-37-10-37-28z', body),
    line('M132 88c24-2 24 36-4 38', body, 9),
    rect(58, 74, 74, 10, 5, light),
    line('M80 62c-8-10 8-14 0-24M104 62c-8-10 8-14 0-24', shape, 5),
    rect(50, 152, 92, 8, 4, ink),
  ],
  lamp: ({ body, light, ink }) => [
    path('M74 54h52l22 48H52z', body),
    path('M62 102h76l10 30H52z', light),
    rect(96, 102, 8, 44, 2, ink),
    rect(72, 146, 56, 9, 4.5, ink),
  ],
  bag: ({ body, light, ink, shape }) => [
    line('M76 84c0-42 48-42 48 0', ink, 7),
    path('M54 80h92l8 74H46z', body),
    path('M50 116h100l4 38H46z', shape),
    circle(100, 116, 8, light),
  ],
  book: ({ body, light, ink, shape }) => [
    path('M100 66c-16-12-36-12-52-8v84c16-4 36-4 52 8z', light),
    path('M100 66c16-12 36-12 52-8v84c-16-4-36-4-52 8z', body),
    line('M60 78c10-2 20-1 28 4M60 94c10-2 20-1 28 4M60 110c10-2 20-1 28 4', shape, 4),
    line('M100 66v84', ink, 4),
  ],
  shirt: ({ body, light, ink, shape }) => [
    path('M76 52l-32 18 12 28 16-6v60h56V92l16 6 12-28-32-18c-6 14-42 14-48 0z', body),
    line('M76 52c6 16 42 16 48 0', light, 6),
    rect(84, 100, 32, 7, 3.5, shape),
    rect(84, 114, 32, 7, 3.5, ink),
  ],
  shoe: ({ body, light, ink, shape }) => [
    path('M46 92l28-12 26 22c14 10 46 8 54 26v12H46z', body),
    rect(44, 138, 112, 12, 6, light),
    line('M84 92l14-8M94 100l14-8M106 106l12-8', shape, 5),
    path('M46 92l14-6 4 22-18 8z', ink),
  ],
  plant: ({ body, light, ink, shape }) => [
    path('M98 106c-6-34-30-40-44-40 0 26 18 40 44 40z', body),
    path('M102 96c2-36 26-48 46-46 0 30-20 46-46 46z', shape),
    line('M100 116V84', ink, 5),
    path('M68 112h64l-8 42H76z', light),
    rect(64, 106, 72, 12, 5, ink),
  ],
  phone: ({ body, light, ink, shape }) => [
    rect(68, 40, 64, 120, 14, ink),
    rect(75, 50, 50, 98, 6, light),
    path('M75 120c14-20 36 8 50-14v42H75z', body),
    circle(100, 78, 12, shape),
    rect(90, 152, 20, 3, 1.5, light),
  ],
  pencil: ({ body, light, ink, shape, turn }) => [
    ...(
      [
        rect(56, 88, 78, 22, 2, body),
        rect(56, 88, 14, 22, 4, shape),
        path('M134 88l26 11-26 11z', light),
        path('M150 95l10 4-10 4z', ink),
      ] as Stroke[]
    ).map(({ tag, at }) => ({ tag, at: { ...at, transform: `rotate(${-30 + turn} 100 100)` } })),
    line('M62 150c18-10 26 8 44-2s22 4 34-2', ink, 4),
  ],
  chair: ({ body, light, ink, shape }) => [
    rect(66, 44, 68, 54, 12, body),
    rect(76, 54, 48, 34, 8, light),
    rect(58, 100, 84, 16, 8, shape),
    line('M68 116l-8 40M132 116l8 40', ink, 7),
  ],
  box: ({ body, light, ink, shape }) => [
    path('M100 48l52 24-52 24-52-24z', light),
    path('M48 72l52 24v60l-52-26z', body),
    path('M152 72l-52 24v60l52-26z', shape),
    line('M74 60l52 24v18', ink, 5),
  ],
  speaker: ({ body, light, ink, shape }) => [
    rect(64, 40, 72, 120, 14, body),
    circle(100, 78, 16, light),
    circle(100, 78, 7, ink),
    circle(100, 122, 24, light),
    circle(100, 122, 13, shape),
    circle(100, 122, 5, ink),
  ],
  bottle: ({ body, light, ink, shape }) => [
    rect(88, 38, 24, 18, 4, ink),
    path('M90 56h20c0 18 18 20 18 40v50c0 8-4 12-12 12H84c-8 0-12-4-12-12V96c0-20 18-22 18-40z', body),
    rect(72, 102, 56, 34, 2, light),
    circle(100, 119, 9, shape),
  ],
};

/** What the goods of a category look like; a category that is not here looks like anything. */
const BY_CATEGORY: Record<string, string[]> = {
  electronics: ['tv', 'phone', 'speaker', 'lamp'],
  home: ['lamp', 'chair', 'plant', 'table'],
  kitchen: ['cup', 'bottle', 'box'],
  fashion: ['shirt', 'bag', 'shoe'],
  stationery: ['notebook', 'pencil', 'book'],
  books: ['book'],
  beauty: ['bottle', 'box'],
  health: ['mask', 'bottle'],
  sports: ['shoe', 'bottle', 'bag'],
  furniture: ['table', 'chair'],
  plants: ['plant'],
  toys: ['box', 'speaker'],
};

/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** The picture of a product. A seed may say what is on it: what stands before its first hyphen. */
export function picture(sku: string, category?: string, seed?: string): Picture {
  const drawn = hash(seed ?? sku);
  const [ground, shape, body, light, ink] = PALETTES[drawn % PALETTES.length] ?? PALETTES[0];
  const turn = ((drawn >>> 8) % 24) - 12;
  const glyph = GLYPHS[glyphOf(seed?.split('-')[0] ?? sku, category, drawn)] ?? GLYPHS.box;
  const back: Stroke =
    (drawn >>> 13) % 3 === 0
      ? circle(100 + turn, 104, 78, shape)
      : (drawn >>> 13) % 3 === 1
        ? path(`M0 ${120 + turn}C60 ${90 + turn} 120 ${150 - turn} 200 ${110 - turn}V200H0z`, shape)
        : {
            tag: 'rect',
            at: {
              x: 34,
              y: 30,
              width: 132,
              height: 140,
              rx: 66,
              fill: shape,
              transform: `rotate(${turn * 3} 100 100)`,
            },
          };
  return { ground, strokes: [back, ...(glyph?.({ body, light, ink, shape: ground, turn }) ?? [])] };
}

function glyphOf(said: string, category: string | undefined, drawn: number): string {
  const name = said.toLowerCase();
  if (name in GLYPHS) return name;
  const like = BY_CATEGORY[(category ?? '').toLowerCase()] ?? Object.keys(GLYPHS);
  return like[(drawn >>> 16) % like.length] ?? 'box';
}

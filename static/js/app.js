// Enhances pages that already work. Each feature binds itself to its `data-*` attribute, and is fetched only by
// pages that carry it.
const FEATURES = {
  copy: "./copy.js",
  counted: "./counted.js",
  follow: "./follow.js",
  forecast: "./forecast.js",
  kinds: "./kinds.js",
  once: "./once.js",
  print: "./print.js",
  undo: "./undo.js",
  zone: "./zone.js",
};

for (const [name, module] of Object.entries(FEATURES)) {
  const elements = document.querySelectorAll(`[data-${name}]`);
  if (elements.length) {
    const { bind } = await import(module);
    elements.forEach(bind);
  }
}

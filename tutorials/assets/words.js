// What the scripts say, in the language of the page. English stands in them, and is said where nothing else is known.

const language = (globalThis.document?.documentElement.lang || "en").split("-")[0]; // workers are given the table

// What English texts are in that language.
export const table = new Map(language === "en" ? [] : await load());

async function load() {
  try {
    const response = await fetch(new URL(`../${language}/assets/words.json`, import.meta.url));
    return Object.entries(await response.json());
  } catch {
    return [];
  }
}

// A text with values at its {names}. It is a literal, or a sum of literals: tutorials/hooks/catalogs.py collects them.
export const say = (text, values = {}) => phrase(text).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);

// A text that comes from elsewhere.
export const phrase = (text) => table.get(text) ?? text;

// The name of a stage as it is read.
export const words = (name) => name.replaceAll("_", " ");

export const percent = (share) => `${(100 * share).toFixed(0)} %`;

// "a, b, c"
export const list = (items) => items.join(say(", "));

// Sentences one after the other, without those that are none. Behind a full-width stop there is no space.
export const join = (...sentences) => sentences.filter(Boolean).join(" ").replaceAll("。 ", "。");

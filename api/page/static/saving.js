// Files that a person saves. A plain link would do, but it cannot send a key.

const WHILE_SAVING_MS = 60_000;

/**
 * Save an answer under a name. A large one is written to a file as it comes, where the browser lets the page do that
 * (Chromium); everything else passes through memory.
 *
 * @param {() => Promise<Response>} ask
 * @param {string} name
 * @param {{large?: boolean}} [more]
 */
export async function saveResponse(ask, name, { large = false } = {}) {
  // The place is asked for first: a browser allows that only right after a click.
  const place = large && "showSaveFilePicker" in window ? await askForPlace(name) : undefined;
  if (place === null) return;
  const response = await ask();
  if (place) {
    await response.body.pipeTo(await place.createWritable());
    return;
  }
  saveBlob(await response.blob(), name);
}

/** Save what is in memory already. */
export function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), WHILE_SAVING_MS);
}

/** Return a file to write to, `undefined` where the browser refuses one, `null` if the person changed their mind. */
async function askForPlace(name) {
  try {
    return await window.showSaveFilePicker({ suggestedName: name });
  } catch (error) {
    if (error.name === "AbortError") return null;
    return undefined;
  }
}

// Addresses within the page, behind the `#`: `#/jobs/ID?from=2`. Each leads to one view.

/**
 * Take an address apart.
 *
 * @param {string} hash
 * @returns {{parts: string[], query: URLSearchParams}}
 */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decode);
  return { parts, query: new URLSearchParams(query) };
}

/** Return the address of a path and the values of a query that are set. */
export function address(path, query = {}) {
  const set = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(set).toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

/** Go to an address. */
export function go(path, query = {}) {
  window.location.hash = address(path, query);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
